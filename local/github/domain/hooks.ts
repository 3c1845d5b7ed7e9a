import { createHmac, randomUUID } from 'node:crypto';
import type { Settings } from '../options.ts';
import type { Delivery, Store } from '../state.ts';

/** GitHub waits 10 s for an answer (docs, "Best practices for using webhooks"). */
const TIMEOUT_MS = 10_000;

/** Webhooks of the App: sent in order, each once. What fails is recorded and waits to be asked for again. */
export interface Hooks {
  send(event: string, action: string | null, payload: unknown): void;
  /** Sends a recorded delivery again, under its guid. */
  redeliver(delivery: Delivery): void;
  setUrl(url: string | undefined): void;
  /** Resolves when everything so far is delivered or has failed. */
  settled(): Promise<void>;
  /** Gives up what is not yet sent. */
  stop(): void;
}

type Draft = Pick<Delivery, 'guid' | 'event' | 'action' | 'payload' | 'redelivery'>;

export function createHooks(store: Store, settings: Settings, firstUrl: string | undefined): Hooks {
  let url = firstUrl;
  let queue: Promise<void> = Promise.resolve();
  const stopped = new AbortController();
  const enqueue = (draft: Draft): void => {
    queue = queue.then(async () => {
      if (stopped.signal.aborted) return;
      store.state.deliveries.push({ id: store.id(), ...(await deliver(draft, url, settings, stopped.signal)) });
      store.touch();
    });
  };
  return {
    send(event, action, payload) {
      enqueue({ guid: randomUUID(), event, action, payload: JSON.stringify(payload), redelivery: false });
    },
    redeliver({ guid, event, action, payload }) {
      enqueue({ guid, event, action, payload, redelivery: true });
    },
    setUrl(next) {
      url = next;
    },
    settled: () => queue,
    stop() {
      stopped.abort();
    },
  };
}

async function deliver(draft: Draft, url: string | undefined, settings: Settings, stopped: AbortSignal): Promise<Omit<Delivery, 'id'>> {
  const begin = performance.now();
  const deliveredAt = new Date().toISOString();
  const outcome =
    url === undefined
      ? { statusCode: 0, status: 'no webhook URL is set', answer: '' }
      : await post(draft, url, settings, AbortSignal.any([stopped, AbortSignal.timeout(TIMEOUT_MS)]));
  const duration = Math.round(performance.now() - begin) / 1000;
  return { ...draft, deliveredAt, duration, url: url ?? '', ...outcome };
}

async function post(
  draft: Draft,
  url: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<Pick<Delivery, 'statusCode' | 'status' | 'answer'>> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body: draft.payload,
      redirect: 'manual',
      signal,
      headers: {
        accept: '*/*',
        'content-type': 'application/json',
        'user-agent': 'GitHub-Hookshot/local',
        'x-github-delivery': draft.guid,
        'x-github-event': draft.event,
        'x-github-hook-id': String(settings.app.id),
        'x-github-hook-installation-target-id': String(settings.app.id),
        'x-github-hook-installation-target-type': 'integration',
        'x-hub-signature-256': `sha256=${createHmac('sha256', settings.secret).update(draft.payload).digest('hex')}`,
      },
    });
    const text = (await answer.text()).slice(0, 10_000);
    return { statusCode: answer.status, status: answer.ok ? 'OK' : `Invalid HTTP Response: ${answer.status}`, answer: text };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    return { statusCode: 0, status: timedOut ? 'timed out' : 'failed to connect to host', answer: '' };
  }
}
