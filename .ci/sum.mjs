// Sums the suites' reports (Vitest's JSON): node .ci/sum.mjs <folder> <may-skip file>
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, maySkipFile] = process.argv.slice(2);
const maySkip = readFileSync(maySkipFile, 'utf8')
  .split('\n')
  .filter((line) => line.trim() && !line.startsWith('#'))
  .map((line) => line.split('\t')[0]);
const suites = existsSync(join(folder, 'suites'))
  ? readFileSync(join(folder, 'suites'), 'utf8').trim().split('\n')
  : [];

let passed = 0;
let failed = 0;
if (suites.length === 0) {
  console.log('no suite ran');
  failed++;
}
for (const suite of suites) {
  const file = join(folder, `${suite}.json`);
  if (!existsSync(file)) {
    console.log(`${suite}: no report, it broke off`);
    failed++;
    continue;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const tests = report.testResults.flatMap((result) => result.assertionResults);
  const skipped = tests
    .filter(({ status }) => status === 'pending' || status === 'skipped' || status === 'todo')
    .filter(({ fullName }) => !maySkip.some((pattern) => fullName.includes(pattern)));
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  for (const { fullName } of skipped)
    console.log(`${suite}: skipped without a reason in ${maySkipFile}: ${fullName}`);
  for (const { name, message } of broken) console.log(`${suite}: ${name} did not run: ${message}`);
  passed += tests.filter(({ status }) => status === 'passed').length;
  failed += tests.filter(({ status }) => status === 'failed').length + skipped.length + broken.length;
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
