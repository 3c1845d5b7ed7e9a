/** Requests at a time: fast enough for thousands of objects, and far below the API server's own limits. */
const PARALLEL = 8;

/** Runs `work` on all, a few at a time; results in the given order. After the first error nothing new is begun. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
  return results;
}
