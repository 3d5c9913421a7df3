import { afterAll, beforeAll } from 'vitest';
import { Court } from './judges/court.js';
import { describeReading } from './judges/reading.js';
import { describeWriting } from './judges/writing.js';

const court = new Court();
beforeAll(() => court.open());
afterAll(() => court.close());

describeReading(court);
describeWriting(court);
