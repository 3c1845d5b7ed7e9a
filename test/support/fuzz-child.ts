// A process of its own for fuzzing, so that its memory can be measured. Reads cases, a JSON line each, from the file in its
// argument; tells of each, a JSON line each, what was found and how long it took; at the end its largest resident set.
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { validateConfiguration, validateSettings } from '#domain/validation.ts';
import { Finding } from '#model/checks.ts';
import type { Snapshot } from '#model/configuration.ts';
import { shippedSchemas } from '../../functions/plan/kubernetes-schemas.ts';
import { FuzzCase, type FuzzTold } from './fuzz.ts';
import { BOMBS, nonsense, TARGETS, type Target } from './hostile.ts';
import { referenceSettings } from './reference-fleet.ts';

const NOW = '2026-11-22T12:00:00Z';
const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const namesOf = (): string => PROTOTYPES.map((prototype) => Object.getOwnPropertyNames(prototype).join()).join();
const BEFORE = namesOf();

const TEMPLATE = 'Resources:\n  Bucket: { Type: AWS::S3::Bucket }\n';
/** The least that validates: what a case takes is then its own. */
const LEAST: Readonly<Record<string, string>> = {
  'versions.yaml': 'kubernetes: 1.35.4\netcd: 3.6.16\nosImage: ami-1\n',
  'pools.yaml': 'pools: [{ name: general, instanceType: m6i.large, size: 3, maxSize: 6 }]\n',
  'network.yaml': TEMPLATE,
  'etcd.yaml': TEMPLATE,
  'control-plane.yaml': TEMPLATE,
  'node-pool.yaml': TEMPLATE,
  'user-data/etcd.yaml': 'files: []\n',
  'user-data/control-plane.yaml': 'files: []\n',
  'user-data/node.yaml': 'files: []\n',
  'components/ingress/component.yaml': 'name: ingress\nphase: workloads\n',
  'components/network/component.yaml': 'name: network\nphase: system\n',
};

function snapshotWith(path: string, text: string): Snapshot {
  const files = Object.entries({ ...LEAST, [path]: text }).map(([name, content]) => ({ path: name, content }));
  return { revision: 'a'.repeat(40), files };
}

function findingsFor(target: Target, text: string): Finding[] {
  if (target === 'channel file') return validateSettings(referenceSettings({ 'dev.yaml': text }), referenceSettings(), NOW);
  if (target === 'policies') {
    const { commit, files } = referenceSettings();
    return validateSettings({ commit, files: [...files, { path: TARGETS.policies, content: text }] }, referenceSettings(), NOW);
  }
  const to = { settings: referenceSettings(), branch: 'dev', now: NOW };
  const [head, base] = [snapshotWith(TARGETS[target], text), snapshotWith('pools.yaml', LEAST['pools.yaml'] ?? '')];
  return validateConfiguration({ head, base, target: to }, shippedSchemas);
}

function run(line: string): FuzzTold {
  const { target, bomb, seed } = FuzzCase.parse(JSON.parse(line));
  const text = bomb === undefined ? nonsense(seed ?? 0, target) : (BOMBS[bomb]?.() ?? '');
  const from = process.cpuUsage();
  const findings = findingsFor(target, text);
  const { user, system } = process.cpuUsage(from);
  z.array(Finding).parse(findings);
  return {
    case: line,
    findings: findings.length,
    longest: Math.max(0, ...findings.map(({ message }) => message.length)),
    cpuSeconds: (user + system) / 1e6,
    polluted: namesOf() !== BEFORE || 'polluted' in {},
  };
}

// Once without harm: what loading and compiling take is no part of a case.
const broken = findingsFor('conformance', '[sig-apps] a spec\n').filter(({ rule }) =>
  ['missing-file', 'schema', 'yaml', 'template'].includes(rule),
);
if (broken.length > 0) throw new Error(`the least configuration must be read: ${JSON.stringify(broken)}`);
findingsFor('channel file', readFileSync(new URL('../../channels/dev.yaml', import.meta.url), 'utf8'));
for (const line of readFileSync(process.argv[2] ?? '', 'utf8').split('\n')) process.stdout.write(`${JSON.stringify(run(line))}\n`);
/** By the kernel's account of this program: that of getrusage begins with what the parent had when it started this one. */
const highest = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
process.stdout.write(`${JSON.stringify({ maxRssMegabytes: Number(highest) / 1024 })}\n`);
