import { execFile } from 'node:child_process';

/** Runs git in a folder, without the user's own configuration. @throws Error with git's words */
export async function git(directory: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
    execFile('git', args, { cwd: directory, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error)
        reject(
          new Error(`git ${args.find((word) => !word.startsWith('-')) ?? ''} failed in ${directory}: ${stderr.trim() || error.message}`),
        );
      else resolve(stdout.trim());
    });
  });
}
