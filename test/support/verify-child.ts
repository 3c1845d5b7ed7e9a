// `sluice` in a process of its own, so that what it takes can be measured. Its arguments are those of the command; told as a
// line of JSON: exit code, what was said, processor time after loading, and the largest resident set.
import { readFileSync } from 'node:fs';
import { main } from '../../cli/main.ts';

const said = { out: '', error: '' };
const terminal = {
  out: (text: string) => {
    said.out += text;
  },
  error: (text: string) => {
    said.error += text;
  },
  colours: false,
  directory: process.cwd(),
};
const from = process.cpuUsage();
const code = await main(process.argv.slice(2), terminal);
const { user, system } = process.cpuUsage(from);
/** By the kernel's account of this program: that of getrusage begins with what the parent had when it started this one. */
const highest = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
process.stdout.write(`${JSON.stringify({ code, ...said, cpuSeconds: (user + system) / 1e6, megabytes: Number(highest) / 1024 })}\n`);
