/** What the engine takes from its server configuration; it has no way to be told later. */
export function serverConfig(folder: string): string {
  return `<clickhouse>
  <users_config>${xml(`${folder}/users.xml`)}</users_config>
  <timezone>UTC</timezone>
  <display_name>eventlake</display_name>
</clickhouse>
`;
}

export function usersConfig(): string {
  return `<clickhouse>
  <profiles><default></default></profiles>
  <quotas><default></default></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
</clickhouse>
`;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
