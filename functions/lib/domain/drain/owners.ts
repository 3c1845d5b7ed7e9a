/** Labels by which people say whose something is, the one that names people first. */
const OWNER_LABELS = ['team', 'owner', 'app.kubernetes.io/part-of', 'application', 'app.kubernetes.io/name', 'app'];

/** Whose an object is, by its labels: `team web`; undefined when it says nothing. */
export function ownerOf(labels: Readonly<Record<string, string>>): string | undefined {
  const label = OWNER_LABELS.find((key) => (labels[key] ?? '') !== '');
  return label === undefined ? undefined : `${label.slice(label.indexOf('/') + 1)} ${labels[label]}`;
}
