import * as z from 'zod';
import { SUMMARY_LIMIT } from '#domain/check-publication.ts';
import { codeSpan, plainText } from '#domain/markdown.ts';
import { checkNames, keys } from '#domain/names.ts';
import { withAddress } from '#domain/plan-address.ts';
import { cutText } from '#domain/plan-text.ts';
import { Finding } from '#model/checks.ts';
import { NotFoundError } from '#model/errors.ts';
import { ReadPullRequest } from '#model/pull-request.ts';
import type { Checks } from '#ports/checks.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
  /** Where people read the whole plan of a hash. */
  readonly planAddress: (hash: string) => string;
}

const Input = z.object({
  readPullRequest: ReadPullRequest,
  validate: z.object({ errors: z.int(), warnings: z.int(), findingsKey: z.string().nullish() }),
  plan: z.object({ planHash: z.string(), title: z.string() }).optional(),
  /** The plan with what CloudFormation says, where it was asked. */
  previewChangeSets: z.object({ planHash: z.string() }).optional(),
  /** Set by the state that follows findings which forbid a plan. */
  invalid: z.boolean().default(false),
});

/** Brings validation's findings and the plan to the checks, before anything is started that takes longer. */
export const reportPlan = defineStep({
  name: 'report-plan',
  input: Input,
  output: z.object({ reported: z.boolean() }),
  async run({ readPullRequest: pull, validate, plan, previewChangeSets, invalid }, { objects, checks, planAddress }: Ports, { execution }) {
    const findings = await readFindings(objects, validate.findingsKey ?? undefined);
    const planCheck = { ...pull.check, name: checkNames.plan };
    const { generation } = pull;
    if (invalid || plan === undefined) {
      const title = `${validate.errors} error${validate.errors === 1 ? '' : 's'} to mend`;
      const first = findings.find((finding) => finding.level === 'failure');
      const where = first === undefined ? '' : `First: ${codeSpan(`${first.path}:${first.line}`)}: ${plainText(first.message)}`;
      const summary = `${where}\n\nEach finding is annotated at its line. Nothing was started.`.trim();
      const red = { status: 'completed' as const, conclusion: 'failure' as const, title, summary, findings, execution, generation };
      await checks.want({ ref: planCheck, ...red });
      await checks.want({ ref: pull.check, ...red });
      return { reported: true };
    }
    const planHash = previewChangeSets?.planHash ?? plan.planHash;
    const stored = await objects.get(keys.plan(planHash));
    if (stored === undefined) throw new NotFoundError(`there is no plan ${planHash}; the plan step must run first`);
    await checks.want({
      ref: planCheck,
      status: 'completed',
      conclusion: 'success',
      title: plan.title,
      summary: cutText(withAddress(stored.body, planHash, planAddress(planHash)), SUMMARY_LIMIT, keys.plan(planHash)),
      findings,
      execution,
      generation,
    });
    await checks.want({
      ref: pull.check,
      status: 'in_progress',
      title: plan.title,
      summary: 'Validated and planned; see `sluice / plan`.',
      execution,
      generation,
    });
    return { reported: true };
  },
});

async function readFindings(objects: ObjectStore, key: string | undefined): Promise<Finding[]> {
  if (key === undefined) return [];
  const stored = await objects.get(key);
  return stored === undefined ? [] : z.array(Finding).parse(JSON.parse(stored.body));
}
