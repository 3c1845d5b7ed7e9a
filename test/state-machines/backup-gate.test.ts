import { afterEach, describe, expect, it } from 'vitest';
import type { Fleet } from '../support/faults/fleet.ts';
import type { Kind } from '../support/faults/revisions.ts';
import { begin, inputOf } from '../support/faults/run.ts';

let fleet: Fleet;
afterEach(() => fleet.close());

/** Ends of instances since then. */
function ended(from: number): string[] {
  return fleet.cloud.instances.calls.slice(from).filter((call) => call.startsWith('terminate'));
}

function backups(): string[] {
  return fleet.world.executions.filter(({ machine }) => machine === 'backup-etcd').map(({ name }) => name);
}

/** Changes what is stored of the backup right before the gate looks at it. */
async function beginWith(kind: Kind, at: string, change: (fleet: Fleet) => void): Promise<number> {
  let armed = false;
  fleet = await begin(kind, {
    onLook: (state) => {
      if (armed && state === at) change(fleet);
    },
  });
  armed = true;
  return fleet.cloud.instances.calls.length;
}

function rewriteManifests(text: (body: string) => string): void {
  const found = Object.entries(fleet.account.contents()).filter(([key]) => key.endsWith('/manifest.json'));
  if (found.length === 0) throw new Error('there is no manifest to change');
  for (const [key, body] of found) void fleet.account.put(key, text(body));
}

describe('the gate of the backup, over the real steps', () => {
  it.each([
    ['etcd-patch', 'check-backup-gate--etcd'],
    ['control-plane-minor', 'check-backup-gate--control-plane'],
    ['delete', 'check-backup-gate'],
  ] as const)('a manifest that somebody changed stops %s at %s, and the next run takes another', async (kind, state) => {
    const { machine, input } = inputOf(kind);
    let strikes = 1;
    const from = await beginWith(kind, state, () => {
      if (strikes-- > 0) rewriteManifests((body) => body.replace('"holds"', '"holds" '));
      if (strikes === 0) rewriteManifests((body) => body.replace('"reason": "', '"reason": "!'));
    });

    const first = await fleet.run(machine, 'change', input);
    const atFirst = ended(from);
    // A backup is named by its second and content.
    await fleet.world.pass(60);
    const second = await fleet.run(machine, 'again', input);

    expect(first).toMatchObject({ status: 'FAILED', error: 'BackupNotProvenError' });
    expect(first.cause).toContain('it was changed, or signed by another key');
    expect(atFirst).toEqual([]);
    expect([second.status, second.error, second.cause]).toEqual(['SUCCEEDED', undefined, undefined]);
    expect(backups()).toEqual(['b-change', 'b-again']);
  });

  it('an update that replaces neither etcd nor the control plane goes on by no manifest', async () => {
    const { machine, input } = inputOf('worker-roll');
    await beginWith('worker-roll', 'check-backup-gate--etcd', () =>
      rewriteManifests((body) => body.replace('"reason": "', '"reason": "!')),
    );

    const execution = await fleet.run(machine, 'change', input);

    expect([execution.status, execution.error]).toEqual(['SUCCEEDED', undefined]);
    expect(backups()).toEqual(['b-change']);
  });
});
