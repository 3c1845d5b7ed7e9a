import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { InputError } from '#model/errors.ts';
import { type FleetOptions, parseFleetOptions } from '../fleet/options.ts';
import { writeFleet } from '../fleet/write.ts';
import { type Command, EXIT, onePath, readArguments } from './command.ts';

const OPTIONS = {
  region: { type: 'string' },
  cluster: { type: 'string', multiple: true },
  'e2e-account': { type: 'string', multiple: true },
  owner: { type: 'string' },
  'os-image': { type: 'string' },
} as const;

/** `sluice init`: a new fleet repository from the reference fleet. */
export const init: Command = {
  name: 'init',
  summary: 'write a new fleet repository that validates',
  help: `Usage: sluice init <folder> [options]

Writes a new fleet repository: branch main with the settings (channels/*.yaml), branches dev, alpha and beta with the
reference configuration (channels/cluster/). It asks nothing. What you do not give is an example, marked "# example" where
it stands. A folder that holds anything is left alone.

  --cluster <channel>=<name>:<account>  a cluster, in place of the channel's examples; as often as needed
  --e2e-account <account>               an account that only e2e clusters use; as often as needed
  --region <region>                     region of all of them
  --owner <team>                        owner of all clusters
  --os-image <ami>                      image of the instances

For example:
  sluice init ../fleet --region eu-west-1 --os-image ami-0a1b2c3d4e5f60718 --owner team-platform \\
    --cluster dev=kube-dev:111111111111 --cluster beta=kube-1:222222222222 --cluster beta=kube-2:333333333333

Exit codes: 0 written, 2 could not run.
`,
  async run(args, terminal) {
    const names = Object.keys(OPTIONS);
    const { values, positionals } = readArguments(() => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }), names);
    if (positionals.length === 0) throw new InputError('name the folder to write, for example: sluice init ../fleet');
    const options: FleetOptions = parseFleetOptions({ ...values, e2eAccounts: values['e2e-account'], osImage: values['os-image'] });
    const folder = resolve(terminal.directory, onePath(positionals, '.'));
    const { branches, examples } = await writeFleet(folder, options);
    terminal.out(`A fleet repository is in ${folder}\n`);
    for (const { name, what } of branches) terminal.out(`  ${name.padEnd(6)} ${what}\n`);
    if (examples > 0)
      terminal.out(`\n${examples} values are examples, for you to replace: git -C ${folder} grep -n '# example' main dev\n`);
    terminal.out(`
Then, with an empty repository at GitHub:
  git -C ${folder} remote add origin <url>
  git -C ${folder} push origin dev alpha beta
  git -C ${folder} push origin main        # creates the clusters, once Sluice is deployed
`);
    return EXIT.clean;
  },
};
