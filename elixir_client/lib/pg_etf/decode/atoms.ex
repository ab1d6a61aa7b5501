defmodule PgEtf.Decode.Atoms do
  @moduledoc false
  # The atoms of the wire: those of frames (docs/protocol.md), and those of the packets
  # around them (docs/port.md).
  #
  # What comes from outside is read with :safe, which makes no atoms. Naming them here
  # loads them with this module, which is the only one that reads. The tests hold the
  # lists against the sources of the plugin and of the client.

  @markers [:unchanged, :unchanged_toast, :oversized, :unconverted, :unparsed]

  @frame [:tx, :whole, :first, :middle, :last, :origin, :origin_lsn] ++
           [:message, :relation, :insert, :update, :delete, :truncate, :schema] ++
           [:ddl, :tag, :text, :objects, :user] ++
           [:key, :full, :none, :cascade, :restart_identity]

  @streams [:stream, :more, :stream_abort, :stream_commit, :stream_prepare] ++
             [:prepare, :commit_prepared, :rollback_prepared] ++
             [:gid, :prepare_end_lsn, :prepare_time, :read, :read_end]

  @relation [:primary, :generated, :as, :array, :composite, :range, :multirange] ++
              [:default, :index, :nothing] ++
              [:masked, :hash, :keep, :trunc, :fixed] ++
              [:not_null, :identity, :missing]

  @values [nil, true, false, :NaN, :inf, :"-inf"] ++
            [:open, :closed, :A, :B, :C, :D, :empty, :unbound]

  @structs [:__struct__, Decimal, :sign, :coef, :exp, Calendar.ISO, :calendar] ++
             [Date, Time, DateTime, NaiveDateTime, :year, :month, :day, :hour, :minute] ++
             [:second, :microsecond, :std_offset, :utc_offset, :time_zone, :zone_abbr] ++
             [Postgrex.Interval, :months, :days, :secs, :microsecs, Duration, :week] ++
             [Postgrex.Range, :lower, :upper, :lower_inclusive, :upper_inclusive] ++
             [Postgrex.Multirange, :ranges, Postgrex.INET, :address, :netmask] ++
             [Postgrex.MACADDR, Postgrex.Point, :x, :y, Postgrex.Line, :a, :b, :c] ++
             [Postgrex.LineSegment, :point1, :point2, Postgrex.Box, :upper_right] ++
             [:bottom_left, Postgrex.Path, :points, Postgrex.Polygon, :vertices] ++
             [Postgrex.Circle, :center, :radius, Postgrex.Lexeme, :word, :positions]

  @packets [:status, :standby, :free, :position, :rewind, :caught_up, :stats, :log] ++
             [:hello, :version, :stopped, :fatal, :debug, :info, :warning, :error, true, false]

  @statuses [:connected, :disconnected, :reconnecting, :open_circuit, :slot] ++
              [:streaming, :catalogs, :parked, :connecting, :stopping, :stalled, :standby]

  @details [:slot, :host, :port, :dbname, :system_identifier, :timeline, :in_recovery] ++
             [:server_version, :backend_pid, :server_lsn, :confirmed_lsn, :start_lsn] ++
             [:created, :wal_sender_timeout, :reconnects, :reason, :holder_pid, :since] ++
             [:class, :message, :hint, :sqlstate, :failures, :delay] ++
             [:plugin, :pg_etf_decoding, :pgoutput, :format, :etf, :binary, :text]

  @stats [:state, :frames, :sent_events, :sent_bytes, :granted_events, :granted_bytes] ++
           [:transactions, :repeated_frames, :rewinds, :keepalives, :statuses, :stalls] ++
           [:streams, :streams_aborted, :open_streams, :spooled_bytes] ++
           [:unacknowledged, :received_lsn, :delivered_lsn, :flushed_lsn, :lag_bytes] ++
           [:wal_status, :retained_bytes, :safe_wal_size, :catalog_xmin_age, :rss]

  @backfill [:backfill, :started, :round, :open, :close, :retry, :table_again, :table_done] ++
              [:table_failed, :progress, :state, :finished, :failed, :mode, :exact] ++
              [:incremental, :tables, :rows, :bytes, :lsn, :chunk, :rel, :key, :table] ++
              [:estimate, :percent, :rate, :eta, :done, :dropped, :interrupted, :keyless] ++
              [:rewritten, :failover, :snapshot, :there, :backfills, :kept] ++
              [:keys_kept, :commands]

  @frames @markers ++ @frame ++ @streams ++ @relation ++ @values ++ @structs
  @reports @packets ++ @statuses ++ @details ++ @stats ++ @backfill ++ PgEtf.Error.classes()

  @doc "Those of frames."
  @spec frames() :: [atom]
  def frames, do: @frames

  @doc "Those of the other packets."
  @spec reports() :: [atom]
  def reports, do: @reports

  @doc "Reads bytes as a term, refusing atoms that are not on the wire."
  @spec read(binary) :: {:ok, term} | :error
  def read(bytes) do
    {:ok, :erlang.binary_to_term(bytes, [:safe])}
  rescue
    ArgumentError -> :error
  end

  @doc "Reads the first term of bytes, and gives back what is behind it."
  @spec read_first(binary) :: {:ok, term, binary} | :error
  def read_first(bytes) do
    {term, used} = :erlang.binary_to_term(bytes, [:safe, :used])
    {:ok, term, binary_part(bytes, used, byte_size(bytes) - used)}
  rescue
    ArgumentError -> :error
  end
end
