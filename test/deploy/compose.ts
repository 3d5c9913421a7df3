import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const DEPLOY = join(import.meta.dirname, '../../deploy');

export interface Service {
  image?: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  restart?: string;
  depends_on?: Record<string, { condition: string }>;
}

export interface ComposeFile {
  text: string;
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

/** A compose file with its anchors merged. */
export function readCompose(name: string): ComposeFile {
  const text = readFileSync(join(DEPLOY, name), 'utf8');
  return { ...(parse(text, { merge: true }) as Omit<ComposeFile, 'text'>), text };
}

/** The variables that a text takes from outside: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`. */
export function variablesOf(text: string): { name: string; rest: string }[] {
  return [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)].map(([, name, rest]) => ({ name: name!, rest: rest! }));
}
