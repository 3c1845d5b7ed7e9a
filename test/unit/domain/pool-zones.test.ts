import { describe, expect, it } from 'vitest';
import { planConfiguration } from '#domain/plan-pull-request.ts';
import { subnetParameters, zonesOfPool } from '#domain/pool-zones.ts';
import { render } from '#domain/render.ts';
import { outputReferences } from '#domain/stack-parameters.ts';
import { validateConfiguration } from '#domain/validation.ts';
import { clusterRef } from '#domain/waves.ts';
import { shippedSchemas } from '../../../functions/plan/kubernetes-schemas.ts';
import { channelFile, clusterEntry, gitId } from '../../support/fleet.ts';
import { referenceConfiguration } from '../../support/reference-configuration.ts';
import { edited, referenceSnapshot } from '../../support/reference-fleet.ts';

type Files = Readonly<Record<string, string>>;

/** The reference pools with zones at the second one, and more. */
function zoned(zones: string): Files {
  return edited('pools.yaml', '    market: spot\n', `    market: spot\n    zones: ${zones}\n`);
}

function found(head: Files, base?: Files): string[] {
  const sides = { head: referenceSnapshot(head), base: base === undefined ? undefined : referenceSnapshot(base) };
  return validateConfiguration(sides, shippedSchemas).map(
    ({ rule, level, path, line, message }) => `${level} ${rule} ${path.replace('channels/cluster/', '')}:${line} ${message}`,
  );
}

describe('the zones of a pool', () => {
  it('are all unless it names some, in their order', () => {
    expect(zonesOfPool({})).toEqual(['a', 'b', 'c']);
    expect(zonesOfPool({ zones: ['c', 'a'] })).toEqual(['a', 'c']);
    expect(subnetParameters({})).toEqual({});
    expect(subnetParameters({ zones: ['c', 'a'] })).toEqual({ SubnetIds: '!output:network.SubnetA,!output:network.SubnetC' });
  });

  it('give its one group their subnets, and change nothing of other pools', () => {
    const cluster = clusterRef(clusterEntry('dev-1'), { channel: 'dev' });
    const subnets = render(referenceConfiguration(zoned('[c, a]')), cluster).stacks.map(({ role, parameters }) => [
      role,
      outputReferences(parameters['SubnetIds'] ?? '').map(({ output }) => output),
    ]);

    expect(subnets).toEqual([
      ['network', []],
      ['etcd', []],
      ['control-plane', ['SubnetIds']],
      ['pool-general', ['SubnetIds']],
      ['pool-batch', ['SubnetA', 'SubnetC']],
    ]);
  });

  it('are those over which the plan says that nodes roll', () => {
    const change = (files: Files, version: string) =>
      referenceConfiguration({ ...files, ...edited('versions.yaml', '1.35.4', version) }, gitId(version === '1.35.4' ? 'a' : 'b'));
    const channel = channelFile('dev', 1);
    const settings = { commit: gitId('c'), channels: [channel] };
    const { markdown } = planConfiguration({
      settings,
      channel,
      base: change(zoned('[a, b]'), '1.35.4'),
      head: change(zoned('[a, b]'), '1.35.5'),
    });

    expect(markdown).toContain('- pool-general: at least 3 nodes are replaced, over zones a, b, c\n');
    expect(markdown).toContain('- pool-batch: at least 3 nodes are replaced, over zones a, b\n');
  });
});

describe('validation of zones', () => {
  it('takes what the reference templates have subnets for', () => {
    expect(found(zoned('[a]'))).toEqual([]);
    expect(found(zoned('[a, b, c]'), {})).toEqual([]);
  });

  it.each([
    ['[]', /^failure schema pools\.yaml:14 /],
    ['[d]', /^failure schema pools\.yaml:14 /],
    ['[a, b, a]', /^failure pools pools\.yaml:14 The pool batch names the zone a twice\.$/],
  ])('refuses %s', (zones, finding) => {
    expect(found(zoned(zones))).toEqual([expect.stringMatching(finding)]);
  });

  it('refuses zones that the templates have nothing for', () => {
    const network = edited('network.yaml', '  SubnetB: { Value: !ImportValue sluice-subnet-b }\n', '');
    const template = edited('node-pool.yaml', '  SubnetIds: { Type: CommaDelimitedList }\n', '  SubnetA: { Type: String }\n');
    const nodePool = { 'node-pool.yaml': (template['node-pool.yaml'] ?? '').replace('!Ref SubnetIds', '[!Ref SubnetA]') };

    expect(found({ ...zoned('[a, b]'), ...network })).toContainEqual(
      'failure pools pools.yaml:14 network.yaml has no output SubnetB for the zone b of batch. Add it.',
    );
    expect(found({ ...zoned('[a]'), ...nodePool })).toContainEqual(
      'failure pools pools.yaml:14 node-pool.yaml declares no parameter SubnetIds, so the zones of batch would change nothing. Declare it.',
    );
  });

  it('lets no pool move between zones, and a new one stand where it likes', () => {
    const moved = (from: string, to: string) =>
      `failure pools pools.yaml:14 The pool batch can't go from the zones ${from} to ${to}: its group would end nodes to even itself out, without draining them. Add a pool of another name there, and remove this one later.`;
    const other = { 'pools.yaml': (zoned('[b]')['pools.yaml'] ?? '').replace('name: batch', 'name: batch-b') };

    expect(found(zoned('[a, b]'), {})).toEqual([moved('a, b, c', 'a, b')]);
    expect(found(zoned('[a, b]'), zoned('[a]'))).toEqual([moved('a', 'a, b')]);
    expect(found(zoned('[b, a]'), zoned('[a, b]'))).toEqual([]);
    expect(found(other, {})).toEqual([]);
  });
});
