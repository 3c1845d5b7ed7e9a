/**
 * The errors of Sluice. `name` is the contract between code and state machines: ASL Retry and Catch match on it, so it
 * is set by literal (a minifier may rename the class). A message says what happened and what to do.
 */
export class SluiceError extends Error {
  override readonly name: string = 'SluiceError';
}

/** The input of a step, a file or a payload has the wrong shape. Never retried. */
export class InputError extends SluiceError {
  override readonly name = 'InputError';
}

/** A cancel marker was found for this execution: go to clean-up. Never retried. */
export class CancelledError extends SluiceError {
  override readonly name = 'CancelledError';
}

/** A thing that must exist does not. Never retried. */
export class NotFoundError extends SluiceError {
  override readonly name = 'NotFoundError';
}

/** A conditional write lost against another writer. Read again and retry. */
export class ConflictError extends SluiceError {
  override readonly name = 'ConflictError';
}

/** Throttling, a broken connection, a 5xx: the same call may succeed soon. Retried. */
export class TransientError extends SluiceError {
  override readonly name = 'TransientError';
}

/** Somebody else holds the lock or the slot. Retried slowly, then given up with the holder's name. */
export class LockHeldError extends SluiceError {
  override readonly name = 'LockHeldError';
}

/** GitHub, AWS or Kubernetes refused the request for its content. Never retried. */
export class RefusedError extends SluiceError {
  override readonly name = 'RefusedError';
}

/** A gate (proof, approval, halt, freeze) is shut, or could not be read: nothing may start. Never retried. */
export class GateClosedError extends SluiceError {
  override readonly name = 'GateClosedError';
}

/**
 * Something in the cluster stands in the way and may go by itself: a webhook that does not answer, an object that is being
 * deleted. The message names it and whose it is. Retried for minutes.
 */
export class BlockedError extends SluiceError {
  override readonly name = 'BlockedError';
}

/** An instance was started and never became a node: its boot, its artifacts or its right to join is wrong. Never retried. */
export class NodeNotJoinedError extends SluiceError {
  override readonly name = 'NodeNotJoinedError';
}

/** Something did not become ready before its deadline. Never retried. */
export class DeadlineError extends SluiceError {
  override readonly name = 'DeadlineError';
}

/** A CloudFormation stack ended in a failed state; the message names the resource and its reason. Never retried. */
export class StackFailedError extends SluiceError {
  override readonly name = 'StackFailedError';
}

/** The Kubernetes API or etcd of a cluster does not answer. Retried. */
export class ClusterUnreachableError extends SluiceError {
  override readonly name = 'ClusterUnreachableError';
}

/** A backup was taken and a layer of its proof does not hold. Never retried. */
export class BackupNotProvenError extends SluiceError {
  override readonly name = 'BackupNotProvenError';
  /** A limit of time ran out: the backup is not proven, and nothing was found that speaks against its data. */
  readonly late: boolean;

  constructor(message: string, { late = false, ...options }: ErrorOptions & { readonly late?: boolean } = {}) {
    super(message, options);
    this.late = late;
  }
}

/** A backup is proven and for this change, and too old for it to begin. A new one would do. Never retried as it is. */
export class BackupStaleError extends SluiceError {
  override readonly name = 'BackupStaleError';
}

/** The e2e tests ran and some failed, or an assertion about the cluster does not hold. Never retried. */
export class TestsFailedError extends SluiceError {
  override readonly name = 'TestsFailedError';
}

/** The data of a proven backup do not bear the versions of a pull request. Never retried. */
export class RehearsalFailedError extends SluiceError {
  override readonly name = 'RehearsalFailedError';
}

/** Validation found errors in the pull request. Never retried. */
export class ValidationFailedError extends SluiceError {
  override readonly name = 'ValidationFailedError';
}
