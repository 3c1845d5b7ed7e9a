/** Files that are mutated together, and the tests that judge them. */
export interface Shard {
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
}

export interface Group {
  readonly name: string;
  readonly shards: readonly Shard[];
}

const DOMAIN = 'functions/lib/domain';
const TESTS = 'test/unit/domain';

/**
 * Files of a folder of the domain with the tests of a folder that state what they do. A mutant that only tests of something
 * else notice counts as unnoticed; that keeps the runs short, and the score is never better for it.
 */
function shard(files: string, tests: string, folder = ''): Shard {
  return {
    mutate: files.split(' ').map((name) => `${DOMAIN}/${folder}${name}.ts`),
    tests: tests.split(' ').map((name) => `${TESTS}/${folder}${name}.test.ts`),
  };
}

function policies(files: string, tests: string): Shard {
  return shard(files, tests, 'policies/');
}

function drain(files: string, tests: string): Shard {
  return shard(files, tests, 'drain/');
}

export const GROUPS: readonly Group[] = [
  {
    name: 'kubernetes',
    shards: [
      shard(
        'kubernetes-deletions kubernetes-schema kubernetes-apis',
        'kubernetes-deletions kubernetes-schema kubernetes-apis kubernetes-objects',
      ),
      shard('kubernetes-names kubernetes-objects', 'kubernetes-names kubernetes-objects kubernetes-check kubernetes-definitions'),
      shard('kubernetes-check kubernetes-definitions', 'kubernetes-check kubernetes-check-value kubernetes-definitions'),
      shard('kubernetes-order', 'kubernetes-order'),
    ],
  },
  {
    name: 'policies',
    shards: [
      policies('access', 'access documented'),
      policies('api-server', 'api-server documented'),
      policies('conditions instances', 'conditions instances documented'),
      policies('cpu images pod-security pods resources', 'pods nodes documented'),
      policies('kubelet user-data', 'nodes api-server documented'),
      policies('disruption', 'disruption documented'),
      policies('dns', 'dns documented'),
      policies('iam', 'iam documented'),
      policies('operations', 'operations documented'),
      policies('secrets', 'secrets documented'),
      policies('fleet findings waivers subject', 'findings documented'),
      policies('cel cel-tokens', 'cel'),
      policies('own-policies policy-expressions', 'own-policies'),
      policies('policy registry values', 'documented values pods'),
    ],
  },
  {
    name: 'plan',
    shards: [
      shard('plan-text plan-previews plan-diff plan-items plan-places', 'plan-text plan-previews plan-diff plan-items plan-places'),
      shard('plan-history plan-forecast', 'plan-history plan-forecast'),
      shard('plan-resources plan-replacements plan-template', 'plan-resources'),
      shard('plan-fold', 'plan-fold.property'),
      shard('plan-sources', 'plan-sources'),
      shard('plan-settings plan-pull-request', 'plan-settings plan-pull-request'),
      shard('plan plan-sides', 'plan-sides plan plan-sources'),
      shard('plan-compare', 'plan-compare plan'),
    ],
  },
  {
    name: 'drain',
    shards: [
      drain('decide', 'decide several-pools decision-table'),
      drain('view zones surge rolling counts', 'view zones surge decide several-pools decision-table'),
      drain('node settled postgres marks pods pace', 'settled pods marks rules decide decision-table'),
      drain('force budgets forced owners', 'rules forced decision-table risks'),
      drain('risks pod-groups report', 'risks risk-details'),
      // What the Eviction API's answers mean.
      { mutate: ['functions/lib/adapters/kubernetes/evict.ts'], tests: ['test/unit/adapters/kubernetes/evict.test.ts'] },
    ],
  },
  {
    name: 'rolls',
    shards: [
      shard('etcd-roll etcd-downgrade etcd-health', 'etcd-roll etcd-health'),
      shard('etcd-lost-member', 'etcd-lost-member'),
      shard('roll-control-plane instances', 'roll-control-plane instances'),
      shard('phase-move version-steps', 'phase-move etcd-health'),
      shard('version-move', 'version-move.property phase-move'),
    ],
  },
];
