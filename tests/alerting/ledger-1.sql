-- An alarm file as version 1 of the ledger wrote it: sqlite3's dump, and its two pragmas.
BEGIN TRANSACTION;
CREATE TABLE alarm (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, occurrence INTEGER NOT NULL, raised_wall_ns INTEGER NOT NULL,
    raised_line_ns INTEGER NOT NULL, since_wall_ns INTEGER NOT NULL, edge_line_ns INTEGER NOT NULL, value REAL,
    first_out INTEGER NOT NULL, who TEXT NOT NULL, comment TEXT NOT NULL, evidence TEXT NOT NULL
) STRICT;
INSERT INTO "alarm" VALUES('GD-01/HH','acknowledged',1,1790000001000000000,1000000000,1790000000000000000,1000000000,42.0,1,'王工','on my way','[]');
INSERT INTO "alarm" VALUES('GD-02/H','returned',1,1790000002000000000,2000000000,1790000003000000000,3000000000,22.0,0,'','','[]');
CREATE TABLE journal (
    position INTEGER PRIMARY KEY, kind TEXT NOT NULL, alarm TEXT NOT NULL, wall_ns INTEGER NOT NULL,
    body TEXT NOT NULL, hash BLOB NOT NULL
) STRICT;
INSERT INTO "journal" VALUES(1,'transition','GD-01/HH',1790000001000000000,'{"occurrence":1,"event":"raise","old":"normal","new":"unacknowledged","line_ns":1000000000,"raised_wall_ns":1790000001000000000,"value":42.0,"first_out":true,"who":"","comment":"","evidence":[]}',X'BC7AE3052D59082B49ABBAA1B58F987183FBB30ECE45805174F2784A57F8CDD5');
INSERT INTO "journal" VALUES(2,'transition','GD-02/H',1790000002000000000,'{"occurrence":1,"event":"raise","old":"normal","new":"unacknowledged","line_ns":2000000000,"raised_wall_ns":1790000002000000000,"value":22.0,"first_out":false,"who":"","comment":"","evidence":[]}',X'62543FA93CC66913ED1310BF2B25741CA031B07563252039B0A3DE5E926BA7C4');
INSERT INTO "journal" VALUES(3,'transition','GD-01/HH',1790000000000000000,'{"occurrence":1,"event":"acknowledge","old":"unacknowledged","new":"acknowledged","line_ns":1000000000000,"raised_wall_ns":1790000001000000000,"value":null,"first_out":true,"who":"王工","comment":"on my way","evidence":[],"verified":false}',X'958D82D1BDC41E92DA52A647E86F00121452C6B5720D18844F43D25F13F1260A');
INSERT INTO "journal" VALUES(4,'transition','GD-02/H',1790000003000000000,'{"occurrence":1,"event":"clear","old":"unacknowledged","new":"returned","line_ns":3000000000,"raised_wall_ns":1790000002000000000,"value":12.0,"first_out":false,"who":"","comment":"","evidence":[]}',X'AA29B5CCCA41F332008A88FF6F26CAE620CAD7B5CBD3BAB99A190B73A5313FA9');
CREATE TABLE outbox (
    key TEXT NOT NULL, notifier TEXT NOT NULL, alarm TEXT NOT NULL, priority INTEGER NOT NULL, line_ns INTEGER NOT NULL,
    payload TEXT NOT NULL, PRIMARY KEY (key, notifier)
) STRICT;
CREATE TRIGGER journal_keeps_rows BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_keeps_text BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
COMMIT;
PRAGMA application_id = 0x4C414D50;
PRAGMA user_version = 1;
