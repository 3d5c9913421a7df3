import type { Role } from './auth.js';
import type { EndpointLimits } from './limits.js';
import type { QueryRequest } from './request.js';
import { quoteIdentifier, quoteString } from './sql/quote.js';

/** The statements that make a connection the request's own: database, settings, parameters, then the role's bounds. */
export function preamble(role: Role, request: QueryRequest, limits: EndpointLimits): string {
  const sets: string[] = [];
  for (const [name, value] of request.settings) sets.push(`${name} = ${quoteString(value)}`);
  for (const [name, value] of request.parameters) sets.push(`param_${name} = ${quoteString(value)}`);
  if (role === 'reader') {
    sets.push(
      `max_execution_time = ${limits.reader.executionSecondsMax}`,
      `max_memory_usage = ${limits.reader.memoryBytesMax}`,
      `max_result_bytes = ${limits.reader.resultBytesMax}`,
    );
  }
  if (role === 'reader' || request.readOnly) sets.push('readonly = 2');
  const use = request.database === undefined ? '' : `USE ${quoteIdentifier(request.database)};`;
  return `${use}${sets.length === 0 ? '' : `SET ${sets.join(', ')};`}`;
}
