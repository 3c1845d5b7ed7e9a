import { isMap, isScalar } from 'yaml';
import type { UserDataName } from '../configuration.ts';
import { type Place, parseYaml, placeOf, placeOfOffset, plainValue, type ValuePath, type YamlSource } from '../yaml-source.ts';
import type { Violation } from './policy.ts';
import type { PolicySubject } from './subject.ts';
import { isMapping, type Mapping } from './values.ts';

/** A file or unit of user data, whose text may be a document of its own. */
interface Embedded {
  readonly path: string;
  readonly name: string;
  readonly text: string;
  /** Place of a line (from 1) and column of the text in the file around it. */
  place(line: number, column: number): Place;
}

/** A configuration file that user data writes, such as the kubelet's. */
export interface EmbeddedDocument {
  readonly value: Mapping;
  violation(path: ValuePath, message: string): Violation;
}

/** Flags of a program as a unit starts it. */
export interface Program {
  readonly flags: ReadonlyMap<string, string>;
  /** At the flag; without one, or when it is not there, at the program. */
  violation(flag: string | undefined, message: string): Violation;
}

/** Documents of a kind (`KubeletConfiguration`) that an instance's files hold. */
export function documentsOfKind(subject: PolicySubject, name: UserDataName, kind: string): EmbeddedDocument[] {
  return textsOf(subject, name, 'files').flatMap((embedded) => {
    if (!embedded.text.includes(kind)) return [];
    const source = parseYaml(embedded.path, embedded.text).value;
    return (source?.documents ?? []).flatMap((_, index): EmbeddedDocument[] => {
      const value = source === undefined ? undefined : plainValue(source, index).value;
      if (source === undefined || !isMapping(value) || value['kind'] !== kind) return [];
      const violation = (path: ValuePath, message: string): Violation => {
        const inner = placeOf(source, path, index);
        return subject.atPlace(embedded.path, embedded.place(inner.line, inner.column), embedded.path, message);
      };
      return [{ value, violation }];
    });
  });
}

/** How a unit of user data starts a program, for example `kube-apiserver`. */
export function programs(subject: PolicySubject, name: UserDataName, program: string): Program[] {
  return textsOf(subject, name, 'units').flatMap((embedded): Program[] => {
    const start = new RegExp(`^ExecStart=\\S*\\b${program}(?=\\s|$)(?:.*\\\\\\n)*.*`, 'm').exec(embedded.text);
    if (start === null) return [];
    const flags = new Map<string, string>();
    const offsets = new Map<string, number>();
    for (const match of start[0].matchAll(/(?<=\s)--?([a-z][a-z0-9-]*)(?:=(\S*))?/g)) {
      flags.set(match[1] ?? '', match[2] ?? '');
      offsets.set(match[1] ?? '', start.index + match.index);
    }
    const violation = (flag: string | undefined, message: string): Violation => {
      const before = embedded.text.slice(0, (flag === undefined ? undefined : offsets.get(flag)) ?? start.index);
      const place = embedded.place(before.split('\n').length, before.length - before.lastIndexOf('\n'));
      return subject.atPlace(embedded.path, place, embedded.path, message);
    };
    return [{ flags, violation }];
  });
}

/** Texts of all files or units of an instance. */
export function textsOf(subject: PolicySubject, name: UserDataName, list: 'files' | 'units'): Embedded[] {
  const path = `user-data/${name}.yaml`;
  const source = subject.source(path);
  if (source === undefined) return [];
  return (subject.userData[name]?.[list] ?? []).flatMap((entry, index): Embedded[] => {
    const key = 'path' in entry ? entry.path : entry.name;
    return entry.content === undefined
      ? []
      : [{ path, name: key, text: entry.content, place: (line, column) => placeInText(source, [list, index], line, column) }];
  });
}

/** Only a literal block (`|`) keeps its lines; of any other text the place is where it begins. */
function placeInText(source: YamlSource, path: ValuePath, line: number, column: number): Place {
  const entry = source.documents[0]?.getIn(
    path.map((key) => (typeof key === 'symbol' ? String(key) : key)),
    true,
  );
  const pair = isMap(entry) ? entry.items.find((item) => isScalar(item.key) && item.key.value === 'content') : undefined;
  const node = pair?.value;
  if (!isScalar(node) || node.range === null || node.range === undefined) return placeOf(source, path);
  const first = placeOfOffset(source.lines, node.range[0]);
  if (node.type !== 'BLOCK_LITERAL') return first;
  const begin = source.text.indexOf('\n', node.range[0]) + 1;
  const indent = /^ */.exec(source.text.slice(begin))?.[0].length ?? 0;
  return { line: first.line + line, column: indent + column };
}
