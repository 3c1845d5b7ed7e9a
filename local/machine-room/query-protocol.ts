/** The AWS query protocol as Auto Scaling speaks it: a form in, XML out. */
export type QueryValue = string | number | boolean | Date | QueryStructure | readonly QueryValue[] | undefined;
export interface QueryStructure {
  readonly [key: string]: QueryValue;
}

const NAMESPACE = 'http://autoscaling.amazonaws.com/doc/2011-01-01/';

/** Values of a list parameter: `Name.member.1`, `Name.member.2`, ... */
export function members(form: URLSearchParams, name: string): string[] {
  const values: string[] = [];
  for (let index = 1; ; index += 1) {
    const value = form.get(`${name}.member.${index}`);
    if (value === null) return values;
    values.push(value);
  }
}

/** An answer; `result` is left out for actions that answer nothing. */
export function answerXml(action: string, requestId: string, result?: QueryStructure): string {
  const inner = result === undefined ? '' : element(`${action}Result`, result);
  const metadata = element('ResponseMetadata', { RequestId: requestId });
  return `<?xml version="1.0" encoding="UTF-8"?><${action}Response xmlns="${NAMESPACE}">${inner}${metadata}</${action}Response>`;
}

export function errorXml(code: string, message: string, requestId: string): string {
  const inner = element('Error', { Type: 'Sender', Code: code, Message: message }) + element('RequestId', requestId);
  return `<ErrorResponse xmlns="${NAMESPACE}">${inner}</ErrorResponse>`;
}

function element(name: string, value: QueryValue): string {
  if (value === undefined) return '';
  return `<${name}>${content(value)}</${name}>`;
}

function content(value: Exclude<QueryValue, undefined>): string {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((entry: QueryValue) => element('member', entry)).join('');
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([key, inner]) => element(key, inner))
      .join('');
  return escapeXml(String(value));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Access key of a SigV4 Authorization header. */
export function accessKeyOf(authorization: string | undefined): string | undefined {
  return /Credential=([^/,\s]+)\//.exec(authorization ?? '')?.[1];
}
