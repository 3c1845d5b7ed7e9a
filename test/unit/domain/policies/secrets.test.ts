import { describe, it } from 'vitest';
import { certificateExpiry, secretValues } from '#domain/policies/secrets.ts';
import { expectInObjects } from '../../../support/policies.ts';

/** Of CN=webhook, O=shop, until 2027-11-22 22:43:30 UTC. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlzCCAT2gAwIBAgIUVL4EorK4yTiCpBVP2CaI+baf0iMwCgYIKoZIzj0EAwIw
ITENMAsGA1UECgwEc2hvcDEQMA4GA1UEAwwHd2ViaG9vazAeFw0yNjExMjIyMjQz
MzBaFw0yNzExMjIyMjQzMzBaMCExDTALBgNVBAoMBHNob3AxEDAOBgNVBAMMB3dl
Ymhvb2swWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASgRcOrSi6GLojKlbXUJsPx
EBBsqfmhBhgX7Z9X2O597TV3+SwjcjIVSQwYK1IJ4Twr5T3vOm+I6SnxbZo6yJf+
o1MwUTAdBgNVHQ4EFgQURhqxD5wP5zLNGnOgwhEGNpXs2R0wHwYDVR0jBBgwFoAU
RhqxD5wP5zLNGnOgwhEGNpXs2R0wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD
AgNIADBFAiBEu98szyUYLkjiZwvddDvsgGH5M0Xywb5kJ6Dv8u2EtAIhAPgWLq01
8KNaeExti6aSkrixH6LDi29/cJR9zT7AQtjn
-----END CERTIFICATE-----
`;

describe('secret-value', () => {
  const env = (variable: string) => `apiVersion: v1
kind: Pod
metadata: { name: a }
spec:
  containers:
    - name: a
      env: [{ name: OTHER, value: x }, { ${variable} }]
`;
  const config = (data: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata:\n  ${data}\n`;

  it.each(['PASSWORD', 'DB_PASSWD', 'CLIENT_SECRET', 'GITHUB_TOKENS', 'API_KEY', 'apikey', 'PRIVATE_KEY', 'AWS_CREDENTIALS'])(
    'finds %s',
    (name) =>
      expectInObjects(secretValues, env(`name: ${name}, ▸value: hunter2`), [
        `Pod a: the value of ${name} is written out. Take it from a secret.`,
      ]),
  );

  it('finds a key of a ConfigMap', () =>
    expectInObjects(secretValues, config('db.password: hunter2').replace('db', '▸db'), [
      'ConfigMap a: the value of db.password is written out. Take it from a secret.',
    ]));

  it.each([
    'name: PASSWORD, valueFrom: { secretKeyRef: { name: a, key: b } }',
    "name: PASSWORD, value: ''",
    'name: PASSWORD, value: /etc/password',
    'name: PASSWORD, value: $(OTHER)',
    "name: USE_TOKEN, value: 'true'",
    "name: USE_TOKEN, value: 'false'",
    'name: CACHE_TOKEN, value: 10m',
    "name: CACHE_TOKEN, value: '10'",
    'name: TOKEN, value: https://a.example/token',
    "name: TOKEN, value: 'arn:aws:secretsmanager:a'",
    'name: TOKEN_FILE, value: hunter2',
  ])('passes %s', (variable) => expectInObjects(secretValues, env(variable)));

  it.each(['true-ish', 'falsehood', '10minutes', 'x/y', 'a https:'])('takes %s for a value', (value) =>
    expectInObjects(secretValues, env(`name: TOKEN, ▸value: '${value}'`), [
      'Pod a: the value of TOKEN is written out. Take it from a secret.',
    ]),
  );

  it('passes a file of a ConfigMap by that name', () => expectInObjects(secretValues, config('token: |\n    one\n    two')));

  it.each(['-----BEGIN PRIVATE KEY-----', '-----BEGIN EC PRIVATE KEY-----', 'key AKIAIOSFODNN7EXAMPLE here'])('finds %s', (text) =>
    expectInObjects(secretValues, config(`▸a: '${text}'`), [
      'ConfigMap a: it has a private key or an AWS access key. Replace that key: it is known.',
    ]),
  );

  it.each(['-----BEGIN PUBLIC KEY-----', 'XAKIAIOSFODNN7EXAMPLE', 'AKIAIOSFODNN7'])('passes %s', (text) =>
    expectInObjects(secretValues, config(`a: '${text}'`)),
  );
});

describe('certificate-expiry', () => {
  const plain = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata:\n  ▸ca.crt: |\n${CERTIFICATE.replaceAll(/^/gm, '    ')}\n`;
  const bundle = `apiVersion: v1\nkind: A\nmetadata: { name: a }\nwebhooks: [{ clientConfig: { ▸caBundle: ${btoa(CERTIFICATE)} } }]\n`;

  it.each([
    ['2027-10-23T22:43:30Z', 'ends in 30 days'],
    ['2027-11-21T21:43:30Z', 'ends in 1 day'],
    ['2027-11-21T23:43:30Z', 'ends in 0 days'],
    ['2027-11-22T22:43:31Z', 'has ended'],
  ])('is found at %s', (now, when) => {
    expectInObjects(certificateExpiry, plain, [`ConfigMap a: its certificate of CN=webhook ${when}. Replace it.`], now);
    expectInObjects(certificateExpiry, bundle, [`A a: its certificate of CN=webhook ${when}. Replace it.`], now);
  });

  it('passes one that lasts', () => expectInObjects(certificateExpiry, plain.replace('▸', ''), [], '2027-10-22T22:43:30Z'));

  it('leaves text alone that is no certificate', () => {
    const broken = CERTIFICATE.replace(/\n.*/, '\nAAAA');
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata:\n  ca.crt: |\n${broken.replaceAll(/^/gm, '    ')}\n`;
    expectInObjects(certificateExpiry, text, [], '2029-01-01T00:00:00Z');
  });
});
