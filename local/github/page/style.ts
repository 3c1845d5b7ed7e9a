/** The page's style, served as a file of its own: the content security policy allows no inline style. */
export const STYLE = `
:root { color-scheme: light dark; --fg: #1f2328; --dim: #59636e; --line: #d1d9e0; --bg: #fff; --soft: #f6f8fa; --link: #0969da;
  --green: #1a7f37; --red: #cf222e; --yellow: #9a6700; --purple: #8250df; --add: #dafbe1; --del: #ffebe9; --hunk: #ddf4ff; }
@media (prefers-color-scheme: dark) { :root { --fg: #f0f6fc; --dim: #9198a1; --line: #3d444d; --bg: #0d1117; --soft: #151b23; --link: #4493f8;
  --green: #3fb950; --red: #f85149; --yellow: #d29922; --purple: #ab7df8; --add: #12361f; --del: #42181b; --hunk: #121d2f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
header { background: var(--soft); border-bottom: 1px solid var(--line); }
header .inner { max-width: 1100px; margin: 0 auto; padding: 12px 24px; display: flex; gap: 24px; align-items: baseline; flex-wrap: wrap; }
header .name { font-size: 18px; font-weight: 600; } header .name a { color: var(--fg); } header .grow { flex: 1; }
main { max-width: 1100px; margin: 0 auto; padding: 24px; }
h1 { font-size: 26px; font-weight: 500; margin: 0 0 8px; } h2 { font-size: 18px; margin: 32px 0 12px; }
h3, h4, h5, h6 { margin: 16px 0 8px; } h3 { font-size: 18px; } h4 { font-size: 16px; } h5, h6 { font-size: 15px; }
.dim { color: var(--dim); } .small { font-size: 13px; }
.box { border: 1px solid var(--line); border-radius: 8px; margin: 0 0 16px; overflow: hidden; }
.box > .head { background: var(--soft); padding: 10px 16px; border-bottom: 1px solid var(--line); display: flex; gap: 12px; align-items: center; flex-wrap: wrap; }
.box > .body { padding: 8px 16px; } .row { padding: 10px 16px; border-top: 1px solid var(--line); display: flex; gap: 12px; align-items: center; flex-wrap: wrap; }
.row:first-child { border-top: 0; } .row .grow, .head .grow { flex: 1; min-width: 200px; } .title { font-weight: 600; color: var(--fg); }
.pill { display: inline-block; border-radius: 999px; padding: 2px 12px; color: #fff; font-weight: 500; font-size: 13px; white-space: nowrap; }
.pill.open { background: #1f883d; } .pill.closed { background: #cf222e; } .pill.merged { background: #8250df; }
.dot { font-weight: 700; white-space: nowrap; } .green { color: var(--green); } .red { color: var(--red); } .yellow { color: var(--yellow); } .grey { color: var(--dim); }
code { font: 13px/1.45 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; background: var(--soft); border-radius: 4px; padding: 1px 5px; }
pre { background: var(--soft); border-radius: 6px; padding: 12px; overflow-x: auto; margin: 8px 0; } pre code { background: none; padding: 0; }
.branch { background: var(--hunk); color: var(--link); }
td.right, th.right { text-align: right; } .scroll { overflow-x: auto; } table { border-collapse: collapse; margin: 8px 0; } th, td { border: 1px solid var(--line); padding: 5px 12px; text-align: left; vertical-align: top; }
th { background: var(--soft); } blockquote { margin: 8px 0; padding: 0 12px; color: var(--dim); border-left: 3px solid var(--line); }
hr { border: 0; border-top: 1px solid var(--line); margin: 16px 0; }
button, .button { font: inherit; font-size: 14px; font-weight: 500; padding: 5px 16px; border-radius: 6px; border: 1px solid var(--line); background: var(--soft); color: var(--fg); cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--dim); } button.primary { background: #1f883d; border-color: #1f883d; color: #fff; }
button.danger { color: var(--red); } button:disabled { opacity: .55; cursor: not-allowed; } form.inline { display: inline; }
.actions { display: flex; gap: 8px; flex-wrap: wrap; align-items: center; }
label { display: block; margin: 0 0 14px; font-weight: 600; } input, select, textarea { display: block; width: 100%; margin-top: 4px; font: inherit; font-weight: 400; padding: 6px 10px; border: 1px solid var(--line); border-radius: 6px; background: var(--bg); color: var(--fg); }
.actions select { width: auto; margin: 0; } textarea { min-height: 180px; } .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; }
.diff { padding: 0; overflow-x: auto; font: 12px/1.5 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; } .diff table { margin: 0; width: 100%; }
.diff td { border: 0; padding: 0 10px; white-space: pre; } .diff td.number { color: var(--dim); text-align: right; width: 1%; user-select: none; }
tr.add td, span.add { background: var(--add); } tr.del td, span.del { background: var(--del); } tr.hunk td, span.hunk { background: var(--hunk); color: var(--dim); }
.note { border-left: 4px solid var(--red); background: var(--soft); padding: 8px 12px; margin: 6px 10px; font: 14px/1.5 system-ui, sans-serif; white-space: normal; }
.note.warning { border-color: var(--yellow); } .note.notice { border-color: var(--link); }
.notice-box { border: 1px solid var(--line); border-left: 4px solid var(--red); border-radius: 6px; padding: 10px 16px; margin: 0 0 16px; }
summary { cursor: pointer; } details > summary { padding: 2px 0; } .counts .add { color: var(--green); background: none; } .counts .del { color: var(--red); background: none; }
`;
