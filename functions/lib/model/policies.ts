import * as z from 'zod';
import { Manifest } from './render.ts';

const Named = z.strictObject({ name: z.string().min(1), expression: z.string().min(1) });
const Metadata = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?$/, 'must be lower-case letters, digits, hyphens and dots'),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const Selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});
const ResourceRule = z.strictObject({
  operations: z.array(z.enum(['*', 'CREATE', 'UPDATE', 'DELETE', 'CONNECT'])).min(1),
  apiGroups: z.array(z.string()).min(1),
  apiVersions: z.array(z.string().min(1)).min(1),
  resources: z.array(z.string().min(1)).min(1),
  resourceNames: z.array(z.string().min(1)).optional(),
  scope: z.enum(['*', 'Cluster', 'Namespaced']).optional(),
});
export type ResourceRule = z.infer<typeof ResourceRule>;
const Match = z.strictObject({
  namespaceSelector: Selector.optional(),
  objectSelector: Selector.optional(),
  resourceRules: z.array(ResourceRule).optional(),
  excludeResourceRules: z.array(ResourceRule).optional(),
  matchPolicy: z.enum(['Exact', 'Equivalent']).optional(),
});

const API = 'admissionregistration.k8s.io/v1';

/**
 * A rule of the fleet's own, in `channels/policies/`, as the API server takes it. Parameters are left out on purpose: the
 * object that they name is not part of the settings.
 */
export const AdmissionPolicy = z.strictObject({
  apiVersion: z.literal(API),
  kind: z.literal('ValidatingAdmissionPolicy'),
  metadata: Metadata,
  spec: z.strictObject({
    failurePolicy: z.enum(['Fail', 'Ignore']).optional(),
    matchConstraints: Match.extend({ resourceRules: z.array(ResourceRule).min(1) }),
    matchConditions: z.array(Named).max(64).optional(),
    variables: z.array(Named).optional(),
    validations: z
      .array(
        z.strictObject({
          expression: z.string().min(1),
          message: z.string().min(1).optional(),
          messageExpression: z.string().min(1).optional(),
          reason: z.enum(['Unauthorized', 'Forbidden', 'Invalid', 'RequestEntityTooLarge']).optional(),
        }),
      )
      .min(1),
    auditAnnotations: z.array(z.strictObject({ key: z.string().min(1), valueExpression: z.string().min(1) })).optional(),
  }),
});
export type AdmissionPolicy = z.infer<typeof AdmissionPolicy>;

/** Where a rule counts, and what happens to what breaks it. */
export const AdmissionPolicyBinding = z.strictObject({
  apiVersion: z.literal(API),
  kind: z.literal('ValidatingAdmissionPolicyBinding'),
  metadata: Metadata,
  spec: z.strictObject({
    policyName: z.string().min(1),
    matchResources: Match.optional(),
    validationActions: z.array(z.enum(['Deny', 'Warn', 'Audit'])).min(1),
  }),
});

/** `settings/policies/<hash>.json`: the objects of `channels/policies/`, with their places, named by their content. */
export const OwnPolicies = z.array(z.object({ manifest: Manifest, path: z.string(), line: z.int(), document: z.int() })).min(1);
export type OwnPolicies = z.infer<typeof OwnPolicies>;
