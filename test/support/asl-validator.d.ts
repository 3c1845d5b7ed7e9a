declare module 'asl-validator' {
  interface Finding {
    readonly 'Error code': string;
    readonly Message: string;
  }
  /** Writes the default query language into the definition. */
  export default function validate(
    definition: Record<string, unknown>,
    options: { checkPaths: boolean; checkArn: boolean },
  ): { isValid: boolean; errors: Finding[] };
}
