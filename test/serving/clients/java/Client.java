import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What ClickHouse's JDBC driver sees of an endpoint: one line of JSON a check. */
public class Client {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("user", args[1]);
    properties.put("password", args[2]);
    if (args[3].equals("none")) properties.put("compress", "false");
    try (Connection connection = DriverManager.getConnection("jdbc:clickhouse:" + args[0], properties);
        Statement statement = connection.createStatement()) {
      say("types", count(statement, System.getenv("TYPES_QUERY")));
      say("million", count(statement, "SELECT number, toString(number) FROM numbers(1000000)"));
      try (ResultSet rows = statement.executeQuery("SELECT 1 AS a, now() AS t WHERE 0")) {
        String names = "[\"" + rows.getMetaData().getColumnName(1) + "\",\"" + rows.getMetaData().getColumnName(2) + "\"]";
        say("empty", rows.next() ? "null" : names);
      }
      say("error", code(statement, "SELECT nope"));
      say("late error", code(statement, "SELECT throwIf(number = 3000000) FROM numbers(4000000)"));
      try (PreparedStatement prepared = connection.prepareStatement("SELECT ? AS x")) {
        prepared.setInt(1, 5);
        try (ResultSet rows = prepared.executeQuery()) {
          rows.next();
          say("parameter", rows.getInt(1));
        }
      }
      try (ResultSet tables = connection.getMetaData().getTables(null, "realtime", "%", null)) {
        int n = 0;
        while (tables.next()) n++;
        say("metadata", n > 0);
      }
      if (args[1].equals("writer")) insert(connection, statement);
    }
    System.exit(0);
  }

  static void insert(Connection connection, Statement statement) throws SQLException {
    statement.execute("CREATE DATABASE IF NOT EXISTS realtime");
    statement.execute("DROP TABLE IF EXISTS realtime.c");
    statement.execute("CREATE TABLE realtime.c (a Int32, s String, t DateTime('UTC')) ENGINE = MergeTree ORDER BY a");
    try (PreparedStatement prepared = connection.prepareStatement("INSERT INTO realtime.c (a, s) VALUES (?, ?)")) {
      for (int i = 0; i < 10000; i++) {
        prepared.setInt(1, i);
        prepared.setString(2, "it's \\ " + i);
        prepared.addBatch();
      }
      prepared.executeBatch();
    }
    try (ResultSet rows = statement.executeQuery("SELECT count(), sum(a) FROM realtime.c")) {
      rows.next();
      say("insert", "[" + rows.getLong(1) + "," + rows.getLong(2) + "]");
    }
  }

  static int count(Statement statement, String sql) throws SQLException {
    try (ResultSet rows = statement.executeQuery(sql)) {
      int columns = rows.getMetaData().getColumnCount();
      int n = 0;
      for (; rows.next(); n++) for (int i = 1; i <= columns; i++) rows.getObject(i);
      return n;
    }
  }

  static int code(Statement statement, String sql) {
    try {
      count(statement, sql);
      return 0;
    } catch (Exception error) {
      for (Throwable e = error; e != null; e = e.getCause()) {
        Matcher found = Pattern.compile("Code: (\\d+)").matcher(String.valueOf(e.getMessage()));
        if (found.find()) return Integer.parseInt(found.group(1));
      }
      return -1;
    }
  }

  static void say(String check, Object value) {
    System.out.println("{\"check\":\"" + check + "\",\"value\":" + value + "}");
  }
}
