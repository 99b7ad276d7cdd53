-- The demo site's database. In bootstrap mode the server reads one statement a line.
CREATE DATABASE site;
CREATE TABLE site.pages (path VARCHAR(120) PRIMARY KEY, greeting VARCHAR(120) NOT NULL, visits BIGINT UNSIGNED NOT NULL DEFAULT 0) ENGINE=InnoDB;
INSERT INTO site.pages (path, greeting) VALUES ('/', 'Hello from a table'), ('/warm', 'Asked for by lamp-warm');
-- The new data directory knows the name of the machine that made it.
DELETE FROM mysql.proxies_priv WHERE host <> 'localhost';
-- Accounts can be made only after the privilege tables are read. The web server is known by its Unix user: no password lies in a page.
FLUSH PRIVILEGES;
CREATE USER 'www-data'@'localhost' IDENTIFIED VIA unix_socket;
GRANT SELECT, INSERT, UPDATE, DELETE ON site.* TO 'www-data'@'localhost';
