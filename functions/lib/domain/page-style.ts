/** The page's only style: inline, and let in by its hash. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --fg: #1b1f24; --dim: #57606a; --line: #d0d7de; --bg: #fff; --soft: #f6f8fa; --link: #0969da;
  --good: #116329; --good-bg: #dafbe1; --bad: #a40e26; --bad-bg: #ffebe9; --work: #0550ae; --work-bg: #ddf4ff; --late: #7d4e00; --late-bg: #fff8c5; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6edf3; --dim: #9198a1; --line: #3d444d; --bg: #0d1117; --soft: #151b23; --link: #4493f8;
  --good: #56d364; --good-bg: #12261e; --bad: #ff7b72; --bad-bg: #3c1618; --work: #79c0ff; --work-bg: #0c2d6b; --late: #e3b341; --late-bg: #341a00; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1700px; padding: 14px 20px 40px; background: var(--bg); color: var(--fg); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
h1 { font-size: 20px; margin: 0; } h2 { font-size: 16px; margin: 26px 0 8px; } p { margin: 4px 0; }
header { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: baseline; }
code, .mono { font: 12.5px/1.45 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
.dim, .age { color: var(--dim); } .age { font-size: 12.5px; white-space: nowrap; } time { white-space: nowrap; }
.counts { display: flex; flex-wrap: wrap; gap: 6px; margin: 10px 0; padding: 0; list-style: none; }
.state { display: inline-block; border-radius: 4px; padding: 0 7px; font-weight: 600; white-space: nowrap; background: var(--soft); color: var(--dim); }
.good { background: var(--good-bg); color: var(--good); } .bad { background: var(--bad-bg); color: var(--bad); }
.work { background: var(--work-bg); color: var(--work); } .late { background: var(--late-bg); color: var(--late); }
.banner { border-left: 5px solid; border-radius: 4px; padding: 7px 12px; margin: 8px 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 4px 10px 4px 0; text-align: left; vertical-align: top; }
thead th { color: var(--dim); font-weight: 500; font-size: 12.5px; white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; } tr.channel th { font-weight: 400; background: var(--soft); padding: 6px 10px; white-space: normal; }
tr.channel strong { font-size: 15px; margin-right: 8px; } td ul { margin: 0; padding: 0; list-style: none; } td code { white-space: nowrap; } td.runs { white-space: nowrap; } td.why { min-width: 320px; overflow-wrap: anywhere; }
td.backup { min-width: 190px; overflow-wrap: anywhere; } td.backup code, td.backup .age { white-space: normal; }
.rollout { border: 1px solid var(--line); border-radius: 6px; padding: 8px 14px; margin: 0 0 10px; } .rollout > p:first-child { font-size: 15px; }
.waves { margin: 6px 0 0; padding-left: 22px; } .waves li { margin: 3px 0; } .cell { margin-right: 12px; white-space: nowrap; }
summary { cursor: pointer; } pre { font: 12.5px/1.45 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; } footer { margin-top: 30px; color: var(--dim); }
`;
