import { constants } from 'node:fs';
import { access, mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { dirname, join } from 'node:path';
import { loadPipeline } from '../../../config/load-pipeline.js';
import type { Settings } from '../../../config.js';
import { lockHolders } from '../../../system/lock.js';
import { formatBytes } from '../../terminal/format.js';
import { type Finding, failed } from './finding.js';
import { kafkaFinding } from './kafka.js';
import { portFinding } from './port.js';

const GIB = 1024 ** 3;

export async function examine(settings: Settings): Promise<Finding[]> {
  const checks = [
    nodeFinding(),
    nativeFinding('lmdb', 'the embedded event log'),
    nativeFinding('@duckdb/node-api', 'the engine'),
    nativeFinding('chdb', 'the embedded ClickHouse'),
    folderFinding(settings.dataDir),
    diskFinding(settings.dataDir),
    fileSystemFinding(settings.dataDir),
    pipelineFinding(settings.pipeline),
    ...(settings.lakehouse.startsWith('s3:') ? [bucketFinding(settings)] : []),
    memoryFinding(settings),
    runningFinding(settings.dataDir),
    ...(settings.log.kafka.brokers ? [kafkaFinding(settings)] : []),
    portFinding(settings),
  ];
  return Promise.all(checks);
}

async function nodeFinding(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isSupported = major > 20 || (major === 20 && minor >= 19);
  const message = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  if (isSupported) return { check: 'node', status: 'ok', message };
  return { check: 'node', status: 'fail', message, remedy: 'Node 20.19 or later is needed.' };
}

async function nativeFinding(name: string, purpose: string): Promise<Finding> {
  try {
    await import(name);
    return {
      check: name.replace(/^@.*\//, '').replace('node-api', 'duckdb'),
      status: 'ok',
      message: `loads (${purpose})`,
    };
  } catch (error) {
    const message = `${purpose} cannot be loaded: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
    const remedy = 'Run `npm install` again on this machine: the module holds native code for each platform.';
    return { check: name, status: 'fail', message, remedy };
  }
}

async function folderFinding(dataDir: string): Promise<Finding> {
  const check = 'data folder';
  const probe = join(dataDir, `.doctor-${process.pid}`);
  try {
    const existing = await nearestExisting(dataDir);
    if (existing !== dataDir) {
      // With a slash behind it, a file is no way to a folder.
      await access(`${existing}/`, constants.W_OK);
      return { check, status: 'ok', message: `${dataDir} is not there yet and can be made` };
    }
    await writeFile(probe, '');
    await rm(probe);
    return { check, status: 'ok', message: `${dataDir} can be written` };
  } catch (error) {
    const message = `${dataDir} cannot be written: ${(error as Error).message}`;
    return {
      check,
      status: 'fail',
      message,
      remedy: 'Change its owner or mode, or take another with --data-dir.',
    };
  }
}

async function diskFinding(dataDir: string): Promise<Finding> {
  const check = 'disk';
  const { bavail, bsize } = await statfs(await nearestExisting(dataDir));
  const free = bavail * bsize;
  const message = `${formatBytes(free)} free`;
  if (free > 5 * GIB) return { check, status: 'ok', message };
  const remedy = 'Free some space, or lower log.retentionBytesMax and maintenance.vacuumRetentionHours.';
  return { check, status: free > GIB ? 'warn' : 'fail', message, remedy };
}

/** Of `statfs`: NFS, SMB, CIFS, FUSE. LMDB's locks and memory maps work on none of them for sure. */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546]);

async function fileSystemFinding(dataDir: string): Promise<Finding> {
  const check = 'file system';
  const { type } = await statfs(await nearestExisting(dataDir));
  if (!NETWORK_FILE_SYSTEMS.has(type)) return { check, status: 'ok', message: 'a local one' };
  const message = 'the data folder lies on a network file system, or on one in user space';
  return { check, status: 'warn', message, remedy: 'Take a local disk with --data-dir: the log needs one.' };
}

async function pipelineFinding(specifier: string): Promise<Finding> {
  const check = 'pipeline';
  try {
    const { event } = await loadPipeline(specifier, process.cwd());
    return { check, status: 'ok', message: `${specifier} (topic ${event.topic})` };
  } catch (error) {
    return failed(check, error);
  }
}

/** That writers can exclude each other there is tried as a job's first commit would. */
async function bucketFinding(settings: Settings): Promise<Finding> {
  const check = 'lakehouse';
  try {
    const { openStore } = await import('../../../components.js');
    const { randomUUID } = await import('node:crypto');
    const store = await openStore(settings);
    const path = `_conditional-put-check/doctor-${randomUUID()}`;
    await store.putIfAbsent(path, new Uint8Array(0));
    await store.delete(path);
    return { check, status: 'ok', message: `${settings.lakehouse} can be written, by one writer at a time` };
  } catch (error) {
    return failed(check, error);
  }
}

/** Three jobs run an engine each; the processes themselves and ClickHouse take about a gigabyte. */
async function memoryFinding(settings: Settings): Promise<Finding> {
  const check = 'memory';
  const free = freemem();
  const message = `${formatBytes(free)} free, engines may take ${settings.duckdb.memoryMb} MiB each`;
  if (free > GIB + 3 * settings.duckdb.memoryMb * 1024 ** 2) return { check, status: 'ok', message };
  return {
    check,
    status: 'warn',
    message,
    remedy: 'Lower duckdb.memoryMb: engines then spill to disk earlier.',
  };
}

async function runningFinding(dataDir: string): Promise<Finding> {
  const holders = await lockHolders(dataDir);
  if (holders.length === 0) return { check: 'running', status: 'ok', message: 'nothing runs on this folder' };
  const list = holders.map(({ name, pid, since }) => `${name} (process ${pid}, since ${since})`).join(', ');
  return { check: 'running', status: 'ok', message: list };
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await access(path);
    return path;
  } catch {
    const parent = dirname(path);
    if (parent === path) await mkdir(path);
    return nearestExisting(parent);
  }
}
