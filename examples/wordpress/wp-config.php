<?php
// WordPress in the LAMP guest: MariaDB knows the web server by its Unix user, so there is no password here.
define('DB_NAME', 'wordpress');
define('DB_USER', 'www-data');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
$table_prefix = 'wp_';

// The site goes by whatever name the visitor used: a copy of the guest has another one than the first.
$host = $_SERVER['HTTP_HOST'] ?? 'localhost';
define('WP_HOME', "http://$host");
define('WP_SITEURL', "http://$host");

// Drawn when the site was set up.
require '/var/lib/wordpress/keys.php';

// Work that is not for a visitor waits for cron, which this guest has not: no page pays for it. Nor does any for
// asking wordpress.org for what is new.
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_MEMORY_LIMIT', '64M');

define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
