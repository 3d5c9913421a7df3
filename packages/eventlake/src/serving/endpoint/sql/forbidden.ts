/** Table functions that make rows out of nothing or out of their arguments; readers get no others. */
export const allowedTableFunctions: ReadonlySet<string> = new Set([
  // Of the name of a harmless scalar function; the role refuses the table function.
  'format',
  'generaterandom',
  'generateseries',
  'generate_series',
  'null',
  'numbers',
  'numbers_mt',
  'primes',
  'sqlstandardvalues',
  'values',
  'view',
  'zeros',
  'zeros_mt',
]);

/**
 * Names that readers cannot call: all other table functions, and functions that reach files, the network, secrets of the
 * process, or hold a thread for nothing. In lower case. A test compares this with what the engine has.
 */
export const forbiddenFunctions: ReadonlySet<string> = new Set(
  `
  arrowstream azureblobstorage azureblobstoragecluster cluster clusterallreplicas cosn deltalake deltalakeazure
  deltalakeazurecluster deltalakecluster deltalakelocal deltalakes3 deltalakes3cluster dictionary eval executable file
  filecluster filesystem fuzzjson fuzzquery gcs hdfs hdfscluster hudi hudicluster iceberg icebergazure
  icebergazurecluster icebergcluster iceberghdfs iceberghdfscluster iceberglocal iceberglocalcluster icebergs3
  icebergs3cluster input jdbc loop merge mergetreeanalyzeindexes mergetreeanalyzeindexesuuid mergetreeindex
  mergetreeprojection mergetreetextindex mongodb mysql odbc oss paimon paimonazure paimonazurecluster paimoncluster
  paimonhdfs paimonhdfscluster paimonlocal paimons3 paimons3cluster postgresql prometheusquery prometheusqueryrange redis
  remote remotesecure s3 s3cluster sqlite timeseriesdata timeseriesmetrics timeseriessamples timeseriesselector
  timeseriestags url urlcluster viewexplain viewifpermitted ytsaurus
  addresstoline addresstolinewithinlines addresstosymbol demangle
  aiclassify aiembed aiextract aigenerate aitranslate catboostevaluate evalmlmethod
  filesystemavailable filesystemcapacity filesystemunreserved
  getclienthttpheader getmacro getmergetreesetting getoskernelversion getserverport getserversetting buildid
  serveruuid showcertificate tcpport zookeepersessionuptime fqdn fullhostname
  hascolumnintable joinget joingetornull logtrace sleep sleepeachrow
  regionhierarchy regionin regiontoarea regiontocity regiontocontinent regiontocountry regiontodistrict regiontoname
  regiontopopulation regiontotopcontinent
  `
    .trim()
    .split(/\s+/),
);

/** Families of them. */
export const forbiddenPrefixes = ['dict', '__'] as const;

/** Columns that every file-backed table has beside its own, and that tell where it lies. */
export const forbiddenColumns: ReadonlySet<string> = new Set(['_path', '_file', '_headers', '_disk_name']);

/** Keywords that change something or lead out of the database. As bare words they have no other use in a SELECT. */
export const forbiddenKeywords: ReadonlySet<string> = new Set(['INTO', 'OUTFILE', 'INFILE', 'PARALLEL']);

/** What SHOW may show. */
export const allowedShows: ReadonlySet<string> = new Set([
  'DATABASES',
  'TABLES',
  'COLUMNS',
  'FIELDS',
  'FULL',
  'EXTENDED',
  'INDEX',
  'INDEXES',
  'INDICES',
  'KEYS',
  'FUNCTIONS',
  'DICTIONARIES',
  'ENGINES',
]);

/** Of the database `system`: what clients ask about the rest, and nothing that tells about the machine or other users. */
export const allowedSystemTables: ReadonlySet<string> = new Set([
  'aggregate_function_combinators',
  'collations',
  'columns',
  'contributors',
  'data_type_families',
  'databases',
  'formats',
  'functions',
  'keywords',
  'licenses',
  'numbers',
  'numbers_mt',
  'one',
  'settings',
  'table_engines',
  'table_functions',
  'tables',
  'time_zones',
  'zeros',
  'zeros_mt',
]);

/** Of those, the ones with columns that tell where files lie; and these columns. */
export const tablesWithPaths: ReadonlySet<string> = new Set(['databases', 'tables']);
export const columnsWithPaths: ReadonlySet<string> = new Set([
  'data_path',
  'data_paths',
  'metadata_path',
  'create_table_query',
  'engine_full',
  'as_select',
  'parameterized_view_parameters',
  'definer',
]);

/** Databases that cannot be the current one, so that their tables are always named with them. */
export const forbiddenDatabases: ReadonlySet<string> = new Set(['system']);
