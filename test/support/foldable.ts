import fc from 'fast-check';

/** Texts in which a variable, an escape and what one of the clusters has for it are close neighbours. */
export const FOLDABLE = fc.constantFrom(
  '${CLUSTER_NAME}',
  'dev-1',
  '$${CLUSTER_NAME}',
  '${API_ADDRESS}',
  '10.1.0.10',
  '${ACCOUNT}',
  '200000000001',
  '${ENVIRONMENT}',
  '${BUCKET}',
  'plain',
  '$${OTHER}',
);
