import { describe, expect, test } from 'vitest';
import { LineShapes } from '../../packages/eventlake/src/engine/duckdb/log/line-shapes.js';

const names = ['a', 'b', 'c'];
const learn = (shapes: LineShapes, text: string, times: number) => {
  for (let i = 0; i < times; i++) shapes.learn(text);
};
const sql = (shapes: LineShapes) => shapes.provenSql('json', 'fields');

describe('the shapes that DuckDB is asked to recognize', () => {
  test('none is known at first', () => {
    expect(sql(new LineShapes(names))).toBe('FALSE');
  });

  test('the most frequent comes first, and rare ones do not count', () => {
    const shapes = new LineShapes(names);
    learn(shapes, '{"a":"x","b":1}', 40);
    learn(shapes, '{"b":1}', 59);
    learn(shapes, '{"c":true}', 1);
    const proven = sql(shapes);
    expect(proven.match(/WHEN/g)).toHaveLength(2);
    expect(proven.indexOf(`'{"b":'`)).toBeLessThan(proven.indexOf(`'{"a":"'`));
  });

  test('a producer that changes its shape is followed', () => {
    const shapes = new LineShapes(names);
    learn(shapes, '{"a":"x"}', 1000);
    expect(sql(shapes)).toContain(`'{"a":"'`);
    for (let read = 0; read < 12; read++) {
      learn(shapes, '{"a": "x"}', 1000);
      expect(sql(shapes)).toContain(`'{"a": "'`);
    }
    expect(sql(shapes)).not.toContain(`'{"a":"'`);
  });

  test('however many shapes there are, few are tried and few remembered', () => {
    const shapes = new LineShapes(names);
    for (let i = 0; i < 500; i++) shapes.learn(`{${' '.repeat(i)}"a":"x"}`);
    expect(sql(shapes).match(/WHEN/g)!.length).toBeLessThanOrEqual(4);
  });

  test.each([
    '{"a":"x","a":"y"}',
    '{"a":"x","d":1}',
    '{"a":[1]}',
    '{"a":{}}',
    '{"\\u0061":"x"}',
    '["a"]',
    '{"a":"x"',
  ])('%s has no shape', (text) => {
    const shapes = new LineShapes(names);
    shapes.learn(text);
    expect(sql(shapes)).toBe('FALSE');
  });
});
