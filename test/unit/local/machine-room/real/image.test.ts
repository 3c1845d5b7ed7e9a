import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tar, writeImage } from '../../../../../local/machine-room/real/image.ts';
import { temporaryDirectory } from '../../../../support/machine-room/world.ts';

let directory: { path: string; remove: () => void };

beforeEach(() => {
  directory = temporaryDirectory();
});

afterEach(() => directory.remove());

/** What the system's own tar reads. */
function unpack(archive: string, into: string): void {
  execFileSync('mkdir', ['-p', into]);
  execFileSync('tar', ['-xf', archive, '-C', into]);
}

describe('an image', () => {
  it('is an archive of a configuration, a layer and a manifest that names them', () => {
    const program = join(directory.path, 'program');
    writeFileSync(program, 'x'.repeat(1000));
    const archive = join(directory.path, 'image.tar');
    const files = [
      { path: '/bin/program', from: program },
      { path: '/bin/name', link: '/bin/program' },
      { path: '/etc/text', text: 'words' },
    ];

    writeImage(archive, { reference: 'registry.example/a:1', entrypoint: ['/bin/program'], files });
    unpack(archive, join(directory.path, 'image'));
    unpack(join(directory.path, 'image/layer.tar'), join(directory.path, 'layer'));
    const [manifest] = JSON.parse(readFileSync(join(directory.path, 'image/manifest.json'), 'utf8'));
    const config = JSON.parse(readFileSync(join(directory.path, 'image', manifest.Config), 'utf8'));
    const layer = createHash('sha256')
      .update(readFileSync(join(directory.path, 'image/layer.tar')))
      .digest('hex');

    expect(manifest).toMatchObject({ RepoTags: ['registry.example/a:1'], Layers: ['layer.tar'] });
    expect(config).toMatchObject({ config: { Entrypoint: ['/bin/program'] }, rootfs: { diff_ids: [`sha256:${layer}`] } });
    expect(readFileSync(join(directory.path, 'layer/bin/program'), 'utf8')).toBe('x'.repeat(1000));
    expect(readFileSync(join(directory.path, 'layer/etc/text'), 'utf8')).toBe('words');
    expect(execFileSync('readlink', [join(directory.path, 'layer/bin/name')], { encoding: 'utf8' })).toBe('/bin/program\n');
  });

  it('refuses names that the format cannot hold', () => {
    expect(() => tar([{ name: 'n'.repeat(101), mode: 0o644, content: Buffer.alloc(0) }])).toThrow('too long');
  });
});
