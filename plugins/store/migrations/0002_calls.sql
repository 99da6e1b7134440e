-- What calls leave behind: recordings and call detail records, in the field's names.
CREATE TABLE recording (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  tenant      TEXT NOT NULL REFERENCES tenant (name),
  call        TEXT NOT NULL DEFAULT '',
  leg         TEXT NOT NULL DEFAULT '',
  path        TEXT NOT NULL,
  duration_ms BIGINT NOT NULL DEFAULT 0,
  reason      TEXT NOT NULL DEFAULT '',
  created     TEXT NOT NULL
);
CREATE INDEX recording_of_call ON recording (tenant, call);

-- `id` is given when the record is accepted, so that a replayed record is not counted twice.
CREATE TABLE cdr (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE,
  tenant       TEXT NOT NULL REFERENCES tenant (name),
  clid         TEXT NOT NULL DEFAULT '',
  src          TEXT NOT NULL DEFAULT '',
  dst          TEXT NOT NULL DEFAULT '',
  start        TEXT NOT NULL DEFAULT '',
  answer       TEXT NOT NULL DEFAULT '',
  "end"        TEXT NOT NULL DEFAULT '',
  duration     BIGINT NOT NULL DEFAULT 0,
  billsec      BIGINT NOT NULL DEFAULT 0,
  disposition  TEXT NOT NULL DEFAULT '',
  hangup_cause TEXT NOT NULL DEFAULT '',
  q850         INTEGER NOT NULL DEFAULT 0,
  uniqueid     TEXT NOT NULL DEFAULT '',
  linkedid     TEXT NOT NULL DEFAULT '',
  accountcode  TEXT NOT NULL DEFAULT '',
  lastapp      TEXT NOT NULL DEFAULT '',
  direction    TEXT NOT NULL DEFAULT '',
  read_codec   TEXT NOT NULL DEFAULT '',
  write_codec  TEXT NOT NULL DEFAULT '',
  loss         DOUBLE NOT NULL DEFAULT 0,
  jitter_ms    DOUBLE NOT NULL DEFAULT 0,
  mos          DOUBLE NOT NULL DEFAULT 0,
  extra        TEXT NOT NULL DEFAULT ''
);
CREATE INDEX cdr_by_tenant ON cdr (tenant, seq);
CREATE INDEX cdr_by_start ON cdr (start);
CREATE INDEX cdr_by_linkedid ON cdr (linkedid);
