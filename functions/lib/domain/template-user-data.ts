import type { Finding } from '#model/checks.ts';
import { isRecord } from './kubernetes-schema.ts';
import { type Template, walk } from './template.ts';
import { findingAt, placeOf } from './yaml-source.ts';

/** User data is a pointer to the Ignition document; that takes some 400 bytes. EC2 takes 16 KB, encoded. */
export const MAX_USER_DATA_BYTES = 2048;

/** User data that is more than a pointer: its text as written, before parameters are put in. */
export function userDataFindings({ body, source, path: file }: Template): Finding[] {
  const findings: Finding[] = [];
  walk(body.Resources, ['Resources'], (value, path) => {
    if (!isRecord(value) || !Object.hasOwn(value, 'UserData')) return;
    const bytes = textBytes(value['UserData']);
    if (bytes < MAX_USER_DATA_BYTES) return;
    const message = `The user data has ${bytes} bytes; it must be under ${MAX_USER_DATA_BYTES}. Write what instances need into user-data/, and let the user data point to it by \${IgnitionUrl} and \${IgnitionHash}.`;
    findings.push(findingAt(file, placeOf(source, [...path, 'UserData']), 'user-data-size', message));
  });
  return findings;
}

/** Bytes of all text in a value, whatever functions put it together. */
function textBytes(value: unknown): number {
  let bytes = 0;
  walk(value, [], (part) => {
    if (typeof part === 'string') bytes += Buffer.byteLength(part);
  });
  return bytes;
}
