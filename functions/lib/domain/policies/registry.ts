import { everybodyIsAdmin, humanWriteAccess } from './access.ts';
import { anonymousAccess, apiAuthorization, apiLogin, auditLog, auditSink, encryptionAtRest, staticCredentials } from './api-server.ts';
import { awsRoles } from './aws-roles.ts';
import { cpuLimits, cpuQuota } from './cpu.ts';
import { blockedDrains, missingBudgets } from './disruption.ts';
import { externalDnsOwner, externalDnsPolicy, ndots, nodeLocalDns } from './dns.ts';
import { backupInterval, productionOwner, provenUpstream, testCluster } from './fleet.ts';
import { deletionPolicies, iamTrust, iamWildcards, literalAccounts } from './iam.ts';
import { imageRegistries, imageTags } from './images.ts';
import { addressSpace, burstableControlPlane, burstablePool, controlPlaneInstances, etcdMembers, surgeRoom, zones } from './instances.ts';
import { kubeletAuthentication, kubeletRate } from './kubelet.ts';
import { applicationLabels, downscaler, failClosedWebhooks, postgresReadiness, statefulSetTest } from './operations.ts';
import { podSecurityLabels, podSecurityPolicies, privilegedPods } from './pod-security.ts';
import type { Policy, SettingsPolicy } from './policy.ts';
import { dnsMemory, memoryLimits, resourceRequests } from './resources.ts';
import { certificateExpiry, secretValues } from './secrets.ts';

/** Policies about the configuration. */
export const POLICIES: readonly Policy[] = [
  cpuQuota,
  cpuLimits,
  burstableControlPlane,
  burstablePool,
  etcdMembers,
  controlPlaneInstances,
  surgeRoom,
  zones,
  addressSpace,
  staticCredentials,
  apiLogin,
  anonymousAccess,
  apiAuthorization,
  auditLog,
  auditSink,
  encryptionAtRest,
  kubeletAuthentication,
  kubeletRate,
  humanWriteAccess,
  everybodyIsAdmin,
  podSecurityPolicies,
  podSecurityLabels,
  privilegedPods,
  imageTags,
  imageRegistries,
  resourceRequests,
  memoryLimits,
  dnsMemory,
  ndots,
  nodeLocalDns,
  externalDnsOwner,
  externalDnsPolicy,
  blockedDrains,
  missingBudgets,
  postgresReadiness,
  statefulSetTest,
  downscaler,
  applicationLabels,
  iamWildcards,
  iamTrust,
  awsRoles,
  literalAccounts,
  deletionPolicies,
  secretValues,
  certificateExpiry,
  failClosedWebhooks,
];

/** Policies about the channel files. */
export const SETTINGS_POLICIES: readonly SettingsPolicy[] = [backupInterval, provenUpstream, testCluster, productionOwner];

/** What a waiver may name. */
export const POLICY_IDS: readonly string[] = [...POLICIES, ...SETTINGS_POLICIES].map(({ id }) => id);
