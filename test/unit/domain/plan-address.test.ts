import { describe, expect, it } from 'vitest';
import { planAddress, planOfPath, planPath, withAddress } from '#domain/plan-address.ts';

const HASH = '0a'.repeat(32);
const places = { bucket: 'sluice-111111111111-eu-central-1', region: 'eu-central-1' };

describe('the address of a plan', () => {
  it.each(['https://fleet.example.com', 'https://fleet.example.com/'])('is on the page where browsers reach it: %s', (pageUrl) => {
    expect(planAddress(HASH, { ...places, pageUrl })).toBe(`https://fleet.example.com/plans/${HASH}`);
  });

  it('is in the console of S3 otherwise', () => {
    expect(planAddress(HASH, { ...places, pageUrl: undefined })).toBe(
      `https://eu-central-1.console.aws.amazon.com/s3/object/sluice-111111111111-eu-central-1?region=eu-central-1&prefix=plans%2F${HASH}.md`,
    );
  });

  it('is a path that names its hash and nothing else', () => {
    expect(planOfPath(planPath(HASH))).toBe(HASH);
    for (const path of [
      '/',
      '/plans/',
      `/plans/${HASH}/`,
      `/plans/${HASH}.json`,
      `/plans/${HASH.toUpperCase()}`,
      `/plans/../settings/${HASH}`,
    ])
      expect(planOfPath(path)).toBeUndefined();
  });

  it('stands after the first line', () => {
    const link = `[The whole plan](https://a.test), kept as \`plans/${HASH}.md\`.`;

    expect(withAddress('**One.**\n\n- a note\n', HASH, 'https://a.test')).toBe(`**One.**\n\n${link}\n\n- a note\n`);
    expect(withAddress('**One.**', HASH, 'https://a.test')).toBe(`**One.**\n\n${link}\n`);
  });
});
