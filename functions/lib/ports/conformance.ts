import type { ClusterRef } from '#model/settings.ts';

export interface ConformanceRequest {
  readonly cluster: ClusterRef;
  /** Paths of the executables, all of the cluster's version. */
  readonly e2eTest: string;
  readonly ginkgo: string;
  readonly kubectl: string;
  /** Exact names of the specs. */
  readonly specs: readonly string[];
  readonly timeLimitSeconds: number;
  /** An empty directory for the kubeconfig, reports and the tests' own files. */
  readonly directory: string;
}

export interface ConformanceRun {
  /** The JUnit report; undefined when the run ended before it wrote one. */
  readonly junit: string | undefined;
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** End of the runner's output, for people. */
  readonly tail: string;
  readonly durationSeconds: number;
}

/** Runs upstream's e2e.test against a cluster with a short certificate of the cluster's authority. */
export interface Conformance {
  /** Never leaves a process behind. @throws NotFoundError when the cluster has no identity */
  run(request: ConformanceRequest): Promise<ConformanceRun>;
}
