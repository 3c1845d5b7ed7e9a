import { describe, expect, it } from 'vitest';
import { labelProblem, nameProblem } from '#domain/kubernetes-names.ts';

const SUBDOMAIN = 'must consist of a-z, 0-9, - and ., and begin and end with a letter or digit; it is';
const LABEL = 'must consist of a-z, 0-9 and -, and begin and end with a letter or digit; it is';
const SEGMENT = 'must not be . or .., nor hold / or %; it is';

describe('nameProblem', () => {
  it.each([
    ['', 'ConfigMap', 'a', undefined],
    ['', 'ConfigMap', 'a.b', undefined],
    ['', 'ConfigMap', '1-2.3', undefined],
    ['', 'ConfigMap', 'a.', `${SUBDOMAIN} a..`],
    ['', 'ConfigMap', '.a', `${SUBDOMAIN} .a.`],
    ['', 'ConfigMap', 'a-.b', `${SUBDOMAIN} a-.b.`],
    ['', 'ConfigMap', 'a.-b', `${SUBDOMAIN} a.-b.`],
    ['', 'ConfigMap', 'a.b-', `${SUBDOMAIN} a.b-.`],
    ['', 'ConfigMap', 'a\nb', `${SUBDOMAIN} a\nb.`],
    ['', 'Namespace', 'a', undefined],
    ['', 'Namespace', 'a.b', `${LABEL} a.b.`],
    ['', 'Namespace', '-', `${LABEL} -.`],
    ['', 'Service', 'a'.repeat(63), undefined],
    ['serving.example.net', 'Service', 'a.b', undefined],
    ['serving.example.net', 'Service', 'a'.repeat(64), undefined],
    ['certificates.k8s.io', 'CertificateSigningRequest', 'A:b', undefined],
    ['apiregistration.k8s.io', 'APIService', 'v1.', undefined],
    ['rbac.authorization.k8s.io', 'Role', '.', `${SEGMENT} ..`],
    ['rbac.authorization.k8s.io', 'Role', '..', `${SEGMENT} ...`],
    ['rbac.authorization.k8s.io', 'Role', '...', undefined],
    ['rbac.authorization.k8s.io', 'Role', 'a%b', `${SEGMENT} a%b.`],
    ['rbac.authorization.k8s.io', 'Role', 'A'.repeat(300), undefined],
  ])('of %s %s %j', (group, kind, name, problem) => expect(nameProblem(group, kind, name)).toBe(problem?.slice(0, -1)));

  it('tells the length before the letters', () => {
    expect(nameProblem('', 'Service', 'A'.repeat(64))).toBe('has 64 characters; at most 63 are allowed');
    expect(nameProblem('', 'ConfigMap', 'A'.repeat(254))).toBe('has 254 characters; at most 253 are allowed');
  });
});

describe('labelProblem', () => {
  const NAME = 'its name is at most 63 of A-Z, a-z, 0-9, -, _ and ., and begins and ends with a letter or digit.';
  const VALUE = "a label's value is at most 63 of A-Z, a-z, 0-9, -, _ and ., and begins and ends with a letter or digit.";
  const PREFIX = 'before its one / stands a DNS name.';
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

  it.each([
    ['labels', 'a', 'b', undefined],
    ['labels', 'A_b.c-1', 'A_b.c-1', undefined],
    ['labels', 'Example.NET/a', 'b', undefined],
    ['labels', `${long}/a`, 'b', undefined],
    ['labels', `${long}e/a`, 'b', `can't have a label ${long.slice(0, 80)}…: ${PREFIX}`],
    ['labels', '/a', 'b', `can't have a label /a: ${PREFIX}`],
    ['labels', 'a_b/c', 'b', `can't have a label a_b/c: ${PREFIX}`],
    ['labels', 'a/b/c', 'b', `can't have a label a/b/c: ${PREFIX}`],
    ['labels', '', 'b', `can't have a label : ${NAME}`],
    ['labels', 'a/', 'b', `can't have a label a/: ${NAME}`],
    ['labels', 'a-', 'b', `can't have a label a-: ${NAME}`],
    ['labels', 'a b', 'b', `can't have a label a b: ${NAME}`],
    ['labels', 'a'.repeat(64), 'b', `can't have a label ${'a'.repeat(64)}: ${NAME}`],
    ['labels', 'a', '', undefined],
    ['labels', 'a', 1, undefined],
    ['labels', 'a', null, undefined],
    ['labels', 'a', 'b-', `a can't be "b-": ${VALUE}`],
    ['labels', 'a', 'b\n', `a can't be "b\n": ${VALUE}`],
    ['labels', 'a', 'b'.repeat(63), undefined],
    ['labels', 'a', 'b'.repeat(64), `a can't be "${'b'.repeat(64)}": ${VALUE}`],
    ['annotations', 'a', 'any - thing', undefined],
    ['annotations', 'a b', 'c', `can't have an annotation a b: ${NAME}`],
    ['annotations', '/a', 'c', `can't have an annotation /a: ${PREFIX}`],
  ] as const)('of %s %j: %j', (kind, key, value, problem) => expect(labelProblem(kind, key, value)).toBe(problem));
});
