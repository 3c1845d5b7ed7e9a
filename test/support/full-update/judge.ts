import { KUBERNETES_VERSIONS } from '../../../local/toolchain/versions.ts';
import type { FullUpdateResult } from './run.ts';

/** Each goal of a full update with what was reached, a line a measure, and the measures that fall short. */
export function judgeFullUpdate({ seconds, service, api, kubelets }: FullUpdateResult): { lines: string[]; short: string[] } {
  const rows: readonly (readonly [string, number, string, '<=' | '>=', number])[] = [
    ['service.calls', service.calls, 'calls', '>=', 1000],
    ['service.failed', service.failed, 'calls', '<=', 0],
    ['api.calls', api.calls, 'calls', '>=', 500],
    ['api.failed', round(api.failedPercent), '%', '<=', 0.1],
    ['api.longest-gap', round(api.longestGapSeconds), 's', '<=', 2],
    ['nodes', kubelets.length, 'nodes', '>=', 6],
    ['nodes.updated', kubelets.filter((version) => version === `v${KUBERNETES_VERSIONS[1]}`).length, 'nodes', '>=', kubelets.length],
  ];
  const judged = rows.map(([name, value, unit, operator, goal]) => {
    const good = operator === '<=' ? value <= goal : value >= goal;
    return { good, name, line: `full-update.${name} ${value} ${unit} goal ${operator} ${goal} ${good ? 'ok' : 'short'}` };
  });
  const told = [
    `full-update.seconds ${round(seconds)} s`,
    `full-update.api.retried ${api.retried} calls`,
    `full-update.service.longest-gap ${round(service.longestGapSeconds)} s`,
    ...Object.entries({ ...service.errors, ...api.errors }).map(([words, count]) => `full-update.error ${count} x ${words}`),
  ];
  return { lines: [...told, ...judged.map(({ line }) => line)], short: judged.filter(({ good }) => !good).map(({ name }) => name) };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
