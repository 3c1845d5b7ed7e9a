import { keys } from '#domain/names.ts';
import { type ParsedSettings, parseSettings } from '#domain/settings.ts';
import type { Parsed } from '#domain/yaml-source.ts';
import { NotFoundError } from '#model/errors.ts';
import { SettingsFiles } from '#model/pull-request.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** The channel files of a commit of `main`, as written. @throws NotFoundError */
export async function readSettingsFiles(objects: ObjectStore, commit: string): Promise<SettingsFiles> {
  const stored = await objects.get(keys.settings(commit));
  if (stored === undefined) throw new NotFoundError(`there are no settings of commit ${commit}; snapshot-configuration must run first`);
  return SettingsFiles.parse(JSON.parse(stored.body));
}

/** The settings of a commit of `main`, or what is wrong with them. @throws NotFoundError */
export async function readSettings(objects: ObjectStore, commit: string): Promise<Parsed<ParsedSettings>> {
  return parseSettings(await readSettingsFiles(objects, commit));
}
