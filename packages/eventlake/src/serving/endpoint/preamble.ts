import type { Role } from './auth.js';
import { ClickHouseException } from './errors.js';
import type { EndpointLimits } from './limits.js';
import type { QueryRequest } from './request.js';
import { quoteIdentifier, quoteString } from './sql/quote.js';
import { readerSettings } from './sql/reader-settings.js';

/**
 * The statements that make a connection the request's own: database, settings, parameters, and for a reader the role
 * and its bounds, last, where nothing can undo them.
 *
 * @throws ClickHouseException for a setting that readers may not choose
 */
export function preamble(role: Role, request: QueryRequest, limits: EndpointLimits): string {
  const settings = role === 'reader' ? readerSettings(request.settings, limits.reader) : request.settings;
  if ('refused' in settings) {
    throw new ClickHouseException(
      452,
      'SETTING_CONSTRAINT_VIOLATION',
      `Setting ${settings.refused} should not be changed by a reader`,
      400,
    );
  }
  const sets = [...settings].map(([name, value]) => `${name} = ${quoteString(value)}`);
  for (const [name, value] of request.parameters) sets.push(`param_${name} = ${quoteString(value)}`);
  const statements = [];
  if (request.database !== undefined) statements.push(`USE ${quoteIdentifier(request.database)}`);
  if (sets.length > 0) statements.push(`SET ${sets.join(', ')}`);
  if (role === 'reader') statements.push('SET ROLE reader');
  // 2, not 1: clients change settings of their own in a session, and with 1 they refuse to work.
  if (role === 'reader' || request.readOnly) statements.push('SET readonly = 2');
  return statements.map((statement) => `${statement};`).join(' ');
}
