/** The time. Locks use the object store's clock instead. */
export interface Clock {
  now(): Date;
}
