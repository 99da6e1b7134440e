-- Who owns what: tenants, and their extensions, devices, mailboxes, messages and prompts.
-- Times are ISO 8601 UTC text; flags are 0 or 1; durations are in ms.
CREATE TABLE tenant (
  name    TEXT NOT NULL PRIMARY KEY,
  title   TEXT NOT NULL DEFAULT '',
  created TEXT NOT NULL
);

CREATE TABLE setting (
  tenant TEXT NOT NULL REFERENCES tenant (name) ON DELETE CASCADE,
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE mailbox (
  tenant            TEXT NOT NULL REFERENCES tenant (name),
  number            TEXT NOT NULL,
  name              TEXT NOT NULL DEFAULT '',
  email             TEXT NOT NULL DEFAULT '',
  pin_hash          TEXT NOT NULL DEFAULT '',
  failed_attempts   INTEGER NOT NULL DEFAULT 0,
  locked_until      TEXT NOT NULL DEFAULT '',
  greeting_unavail  TEXT NOT NULL DEFAULT '',
  greeting_busy     TEXT NOT NULL DEFAULT '',
  greeting_temp     TEXT NOT NULL DEFAULT '',
  greeting_name     TEXT NOT NULL DEFAULT '',
  max_messages      INTEGER NOT NULL DEFAULT 100,
  created           TEXT NOT NULL,
  PRIMARY KEY (tenant, number)
);

CREATE TABLE extension (
  tenant         TEXT NOT NULL REFERENCES tenant (name),
  number         TEXT NOT NULL,
  name           TEXT NOT NULL DEFAULT '',
  mailbox        TEXT,
  ring_timeout_s INTEGER NOT NULL DEFAULT 25,
  created        TEXT NOT NULL,
  PRIMARY KEY (tenant, number),
  FOREIGN KEY (tenant, mailbox) REFERENCES mailbox (tenant, number)
);

-- One SIP account. `user` is unique in the realm, since a REGISTER names no tenant.
CREATE TABLE device (
  tenant    TEXT NOT NULL REFERENCES tenant (name),
  user      TEXT NOT NULL,
  extension TEXT NOT NULL,
  realm     TEXT NOT NULL,
  ha1       TEXT NOT NULL,
  name      TEXT NOT NULL DEFAULT '',
  created   TEXT NOT NULL,
  PRIMARY KEY (user, realm),
  FOREIGN KEY (tenant, extension) REFERENCES extension (tenant, number)
);
CREATE INDEX device_of_extension ON device (tenant, extension);

CREATE TABLE message (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  tenant      TEXT NOT NULL REFERENCES tenant (name),
  mailbox     TEXT NOT NULL,
  folder      TEXT NOT NULL DEFAULT 'INBOX',
  caller      TEXT NOT NULL DEFAULT '',
  caller_name TEXT NOT NULL DEFAULT '',
  path        TEXT NOT NULL,
  duration_ms BIGINT NOT NULL DEFAULT 0,
  heard       INTEGER NOT NULL DEFAULT 0,
  created     TEXT NOT NULL,
  FOREIGN KEY (tenant, mailbox) REFERENCES mailbox (tenant, number)
);
CREATE INDEX message_of_mailbox ON message (tenant, mailbox, folder, seq);

CREATE TABLE prompt (
  tenant  TEXT NOT NULL REFERENCES tenant (name),
  name    TEXT NOT NULL,
  path    TEXT NOT NULL,
  created TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
);
