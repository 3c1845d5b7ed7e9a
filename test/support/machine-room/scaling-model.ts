import * as sdk from '@aws-sdk/client-auto-scaling';

/**
 * A schema of the SDK's model of the API: a number for a simple type (64 + type is a list of it), else kind (1 list,
 * 3 structure, 9 operation), namespace, name, traits and the rest by kind; a function answers the schema itself.
 */
type Schema = number | 'unit' | (() => Schema) | readonly [Schema, unknown] | readonly [number, string, string, unknown, ...unknown[]];

const LIST = 1;
const STRUCTURE = 3;
/** In place of a structure: the operation answers nothing. */
const NOTHING = 'unit';
const LIST_OF_SIMPLE = 64;

/** An element of an answer: text, or elements by name. */
export type XmlElement = string | readonly (readonly [string, XmlElement])[];

/** What differs between an answer's element and the model's structure of the operation's output; empty when nothing does. */
export function unlikeModel(operation: string, result: XmlElement): string[] {
  const found = Reflect.get(sdk, `${operation}$`) as Schema;
  if (!Array.isArray(found)) throw new Error(`the SDK's model has no operation ${operation}`);
  return compare(operation, found[5] as Schema, result);
}

function compare(place: string, schema: Schema, element: XmlElement): string[] {
  const resolved = resolve(schema);
  if (typeof resolved === 'number') {
    if (resolved < LIST_OF_SIMPLE) return typeof element === 'string' ? simple(place, resolved, element) : [`${place} is no text`];
    return members(place, resolved - LIST_OF_SIMPLE, element);
  }
  if (resolved === NOTHING) return element === '' ? [] : [`${place} is not empty`];
  if (resolved[0] === LIST) return members(place, resolved[4] as Schema, element);
  if (resolved[0] !== STRUCTURE) throw new Error(`${place}: kind ${String(resolved[0])} is not known here`);
  return structure(place, resolved as readonly [number, string, string, unknown, string[], Schema[], number | undefined], element);
}

function structure(
  place: string,
  [, , , , names, schemas, needed = 0]: readonly [number, string, string, unknown, string[], Schema[], number | undefined],
  element: XmlElement,
): string[] {
  const children = typeof element === 'string' ? [] : element;
  if (typeof element === 'string' && element !== '') return [`${place} is text and no structure`];
  const missing = names.slice(0, needed).filter((name) => !children.some(([child]) => child === name));
  return [
    ...missing.map((name) => `${place}.${name} is missing`),
    ...children.flatMap(([name, child]) => {
      const schema = schemas[names.indexOf(name)];
      return schema === undefined ? [`${place}.${name} is unknown`] : compare(`${place}.${name}`, schema, child);
    }),
  ];
}

function members(place: string, of: Schema, element: XmlElement): string[] {
  if (typeof element === 'string') return element === '' ? [] : [`${place} is text and no list`];
  return element.flatMap(([name, child], index) =>
    name === 'member' ? compare(`${place}[${index}]`, of, child) : [`${place} has ${name} where a member must be`],
  );
}

/** 0 text, 1 number, 2 boolean, 4 time. */
function simple(place: string, type: number, text: string): string[] {
  const good = type === 1 ? /^-?\d+(\.\d+)?$/ : type === 2 ? /^(true|false)$/ : type === 4 ? /^\d{4}-\d\d-\d\dT[\d:.]+Z$/ : /^/;
  return good.test(text) ? [] : [`${place} is "${text}", which is not of type ${type}`];
}

function resolve(schema: Schema): Exclude<Schema, () => Schema> {
  if (typeof schema === 'function') return resolve(schema());
  // [schema, traits of the member]
  if (Array.isArray(schema) && schema.length === 2) return resolve(schema[0] as Schema);
  return schema as Exclude<Schema, () => Schema>;
}

/** Parses the XML of an answer, which has no attributes but the namespace. */
export function parseXml(text: string): XmlElement {
  const stack: { name: string; children: [string, XmlElement][]; text: string }[] = [{ name: '', children: [], text: '' }];
  for (const [, close, name, rest, chars] of text.replace(/^<\?.*?\?>/, '').matchAll(/<(\/?)([\w]+)([^>]*)>|([^<]+)/g)) {
    const top = stack.at(-1);
    if (top === undefined) throw new Error('the XML closes more than it opens');
    if (chars !== undefined) top.text += chars;
    else if (close === '/') {
      stack.pop();
      if (top.name !== name) throw new Error(`<${top.name}> is closed by </${name}>`);
      stack.at(-1)?.children.push([top.name, top.children.length > 0 ? top.children : top.text]);
    } else {
      stack.push({ name: name ?? '', children: [], text: '' });
      if (rest?.endsWith('/')) stack.at(-2)?.children.push([stack.pop()?.name ?? '', '']);
    }
  }
  const [root] = stack;
  if (root === undefined || stack.length !== 1) throw new Error('the XML is not closed');
  return root.children;
}
