/** A Delta schema, as the protocol's section "Schema Serialization Format" writes it in JSON. */
export interface StructType {
  type: 'struct';
  fields: StructField[];
}

export interface StructField {
  name: string;
  type: DataType;
  nullable: boolean;
  metadata: Record<string, unknown>;
}

export interface ArrayType {
  type: 'array';
  elementType: DataType;
  containsNull: boolean;
}

export interface MapType {
  type: 'map';
  keyType: DataType;
  valueType: DataType;
  valueContainsNull: boolean;
}

export type PrimitiveType =
  | 'string'
  | 'long'
  | 'integer'
  | 'short'
  | 'byte'
  | 'float'
  | 'double'
  | 'boolean'
  | 'binary'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz'
  /** Nothing but null, and never in a file: the section "Void Type". */
  | 'void'
  | `decimal(${number},${number})`;

export type DataType = PrimitiveType | StructType | ArrayType | MapType;
