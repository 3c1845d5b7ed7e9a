import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const ROOT = new URL('../../../', import.meta.url);

export interface DeployedFunction {
  /** Folder below functions/. */
  readonly folder: string;
  /** Seconds after which Lambda ends a call. */
  readonly timeout: number;
}

/** Files that were read: parsing them takes long, and they do not change. */
const parsed = new Map<string, unknown>();

/** Reads YAML with CloudFormation's short tags (`!Ref` and the like), whose values are kept and whose meaning is not. */
function readYaml(file: string): unknown {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const source = readFileSync(new URL(file, ROOT), 'utf8');
  const value: unknown = parse(source, { logLevel: 'silent', merge: true });
  parsed.set(file, value);
  return value;
}

interface Serverless {
  readonly provider: { readonly timeout: number };
  readonly functions: Readonly<Record<string, { readonly timeout?: number }>>;
  readonly stepFunctions: {
    readonly stateMachines: Readonly<Record<string, { readonly id: string; readonly name: string; readonly definition: string }>>;
  };
}

interface Bootstrap {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: { readonly FunctionName?: string; readonly Timeout?: number } }>
  >;
}

/** Functions of the hub, by serverless.yml. */
export function hubFunctions(): DeployedFunction[] {
  const { functions, provider } = readYaml('serverless.yml') as Serverless;
  return Object.entries(functions).map(([folder, { timeout }]) => ({ folder, timeout: timeout ?? provider.timeout }));
}

/** Functions of each cluster's account, by the bootstrap stack. */
export function clusterSideFunctions(): DeployedFunction[] {
  const { Resources } = readYaml('channels/bootstrap/account.yaml') as Bootstrap;
  const lambdas = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  return lambdas.map(({ Properties }) => ({
    folder: String(Properties.FunctionName).replace(/^sluice-/, ''),
    timeout: Properties.Timeout ?? 3,
  }));
}

/** Machines that are deployed: their logical id, name and definition file. */
export function deployedMachines(): { id: string; name: string; definition: string }[] {
  return Object.values((readYaml('serverless.yml') as Serverless).stepFunctions.stateMachines);
}
