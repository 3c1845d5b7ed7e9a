import { describe, expect, it } from 'vitest';
import { InputError } from '#model/errors.ts';
import { readEnvironment, required } from '#runtime/environment.ts';

const OWN = { AWS_REGION: 'eu-central-1', SLUICE_BUCKET: 'sluice-111111111111-eu-central-1', SLUICE_ACCOUNT: '111111111111' };

describe('readEnvironment', () => {
  it.each([
    [{}, undefined, undefined],
    [{ SLUICE_REPLICA_BUCKET: 'none', SLUICE_REPLICA_REGION: 'none' }, undefined, undefined],
    [{ SLUICE_REPLICA_BUCKET: 'copies', SLUICE_REPLICA_REGION: 'none' }, 'copies', undefined],
    [{ SLUICE_REPLICA_BUCKET: 'copies', SLUICE_REPLICA_REGION: 'eu-west-1' }, 'copies', 'eu-west-1'],
  ])('takes `none` of a template for none: %o', (more, bucket, region) => {
    const read = readEnvironment({ ...OWN, ...more });

    expect([read.SLUICE_REPLICA_BUCKET, read.SLUICE_REPLICA_REGION]).toEqual([bucket, region]);
  });

  it.each([
    ['none', undefined],
    [undefined, undefined],
    ['https://fleet.example.com', 'https://fleet.example.com'],
    ['http://127.0.0.1:4711/', 'http://127.0.0.1:4711/'],
  ])('takes the address of the page, or none: %s', (value, read) => {
    expect(readEnvironment({ ...OWN, SLUICE_PAGE_URL: value }).SLUICE_PAGE_URL).toBe(read);
  });

  it('takes no address of the page that a browser would run', () => {
    expect(() => readEnvironment({ ...OWN, SLUICE_PAGE_URL: 'javascript:alert(1)' })).toThrow(/SLUICE_PAGE_URL/);
  });

  it('tells every problem in one message', () => {
    expect(() => readEnvironment({ ...OWN, AWS_REGION: undefined, SLUICE_REPLICA_REGION: 'nowhere' })).toThrow(InputError);
    expect(() => readEnvironment({ ...OWN, AWS_REGION: undefined, SLUICE_REPLICA_REGION: 'nowhere' })).toThrow(
      /AWS_REGION[\s\S]*SLUICE_REPLICA_REGION|SLUICE_REPLICA_REGION[\s\S]*AWS_REGION/,
    );
  });

  it('names the variable that a function needs and lacks', () => {
    expect(() => required(readEnvironment(OWN), 'SLUICE_SIGNING_KEY')).toThrow('lacks SLUICE_SIGNING_KEY');
  });
});
