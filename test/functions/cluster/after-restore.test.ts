import { beforeEach, describe, expect, it } from 'vitest';
import { accountKeys } from '#domain/names.ts';
import { DeadlineError } from '#model/errors.ts';
import { replaceLostNodes } from '../../../functions/cluster/replace-lost-nodes.ts';
import { reportDrift } from '../../../functions/cluster/report-drift.ts';
