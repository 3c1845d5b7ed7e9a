import * as z from 'zod';

/** What a scalar may be in an `enum` or as a default. */
export type Scalar = string | number | boolean;

interface Common {
  /** Value of an absent field; kept only where a list's key rests on it. */
  readonly default?: Scalar;
  /** Custom resources only: null may be written. Kubernetes' own kinds take null for absent everywhere. */
  readonly nullable?: true;
}

/** What a field may hold: one form for Kubernetes' own kinds (from OpenAPI) and for custom resources (from their CRD). */
export type FieldSchema = Common &
  (
    | { readonly type: 'any' | 'boolean' | 'int-or-string' | 'quantity' }
    /** A type of the same file, by its name. */
    | { readonly type: 'ref'; readonly ref: string }
    | {
        readonly type: 'object';
        readonly properties: Readonly<Record<string, FieldSchema>>;
        readonly required?: readonly string[];
        /** Fields beside `properties` are kept by the API server. */
        readonly open?: true;
      }
    | { readonly type: 'map'; readonly values: FieldSchema; readonly atLeast?: number; readonly atMost?: number }
    | {
        readonly type: 'list';
        readonly items: FieldSchema;
        /** No two entries may be equal, or have equal values in these keys. */
        readonly unique?: 'set' | readonly string[];
        readonly atLeast?: number;
        readonly atMost?: number;
      }
    | {
        readonly type: 'string';
        readonly enum?: readonly Scalar[];
        readonly format?: 'byte' | 'date-time';
        /** Length in characters. */
        readonly atLeast?: number;
        readonly atMost?: number;
      }
    | {
        readonly type: 'integer' | 'number';
        readonly enum?: readonly Scalar[];
        readonly atLeast?: number;
        readonly atMost?: number;
      }
  );

/** A kind that the API server serves and that can be applied. */
export interface ServedKind {
  /** Name of its type. */
  readonly type: string;
  readonly namespaced: boolean;
  /** The API server's own warning when the kind is used. */
  readonly deprecated?: string;
}

/** What one minor of Kubernetes serves by default; made from a real API server by cli/kubernetes-schemas.ts. */
export interface KubernetesSchemas {
  /** The version that it was read from, for example `1.36.3`. */
  readonly version: string;
  /** By `<apiVersion> <kind>`, for example `apps/v1 Deployment`. */
  readonly kinds: Readonly<Record<string, ServedKind>>;
  readonly types: Readonly<Record<string, FieldSchema>>;
}

/** The file of one minor: `brotli` is the Base64 of the compressed JSON of KubernetesSchemas. */
export const SchemaFile = z.object({ version: z.string(), brotli: z.base64() });
export type SchemaFile = z.infer<typeof SchemaFile>;

/** The content of a schema file; it is made by us and compared with a real API server in a test, so it is not walked again. */
export const KubernetesSchemas = z.custom<KubernetesSchemas>(
  (value) => typeof value === 'object' && value !== null && 'version' in value && 'kinds' in value && 'types' in value,
);
