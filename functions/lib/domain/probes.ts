import * as z from 'zod';
import type { Probe } from '../model/configuration.ts';
import type { HealthProblem } from '../model/health.ts';
import { Condition } from '../model/kubernetes.ts';
import type { Manifest } from '../model/render.ts';
import type { PathAnswer } from '../ports/kubernetes.ts';
import { DNS_SERVICE_ADDRESS } from './network.ts';

const Conditions = z.looseObject({ status: z.looseObject({ conditions: z.array(Condition).nullish() }).optional() });

/** Whether the object of a probe has the condition that the probe wants. */
export function objectProblem(probe: Probe & { object: object; condition: string }, found: Manifest | undefined): HealthProblem[] {
  const subject = `probe ${probe.name}`;
  if (found === undefined) return [{ subject, reason: 'the object is not there' }];
  const condition = Conditions.parse(found).status?.conditions?.find(({ type }) => type === probe.condition);
  if (condition?.status === 'True') return [];
  const why =
    condition === undefined ? 'is not told' : `is ${condition.status}: ${condition.message ?? condition.reason ?? 'no reason given'}`;
  return [{ subject, reason: `${found.kind} ${found.metadata.name}: ${probe.condition} ${why}` }];
}

/** Whether the path of a probe answers in time and well. */
export function pathProblem(probe: Probe, { status, milliseconds, reason }: PathAnswer): HealthProblem[] {
  const subject = `probe ${probe.name}`;
  if (status < 200 || status > 299) return [{ subject, reason: `${probe.path} answers ${status === 0 ? 'nothing' : status}: ${reason}` }];
  const allowed = probe.maxMilliseconds;
  return milliseconds > allowed ? [{ subject, reason: `${probe.path} took ${milliseconds} ms, ${allowed} are allowed` }] : [];
}

const Service = z.looseObject({ spec: z.looseObject({ clusterIP: z.string() }) });

/** The Service that pods ask for names, when it is among the objects. */
export function dnsService(objects: readonly Manifest[]): Manifest | undefined {
  return objects.find((object) => object.kind === 'Service' && Service.safeParse(object).data?.spec.clusterIP === DNS_SERVICE_ADDRESS);
}

const Slice = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()).default({}) }),
  endpoints: z.array(z.looseObject({ conditions: z.looseObject({ ready: z.boolean().nullish() }).optional() })).nullish(),
});

/** @param slices EndpointSlices of the Service's namespace */
export function dnsProblem(service: Manifest, slices: readonly Manifest[]): HealthProblem[] {
  const own = slices
    .map((slice) => Slice.parse(slice))
    .filter(({ metadata }) => metadata.labels['kubernetes.io/service-name'] === service.metadata.name);
  const ready = own.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
  if (ready.length > 0) return [];
  const name = `${service.metadata.namespace ?? 'default'}/${service.metadata.name}`;
  return [{ subject: 'DNS', reason: `no pod behind Service ${name} at ${DNS_SERVICE_ADDRESS} is ready` }];
}
