<?php
declare(strict_types=1);

// Counts its own visits in MariaDB and says which guest it runs on.

// Pages are rows of the table: / and, after this script's name, others, as /index.php/warm.
$path = $_SERVER['PATH_INFO'] ?? '/';
try {
    // Over the Unix socket, as the user that Apache runs as: there is no password to keep.
    $database = new mysqli(username: 'www-data', database: 'site');

    // LAST_INSERT_ID(n) hands the new value to this connection alone: two visitors at the same
    // time see two different numbers.
    $count = $database->prepare('UPDATE pages SET visits = LAST_INSERT_ID(visits + 1) WHERE path = ?');
    $count->execute([$path]);
    if ($count->affected_rows === 0) {
        http_response_code(404);
        exit("There is no such page.\n");
    }
    $visit = $count->insert_id;

    $read = $database->prepare('SELECT greeting FROM pages WHERE path = ?');
    $read->execute([$path]);
    $greeting = $read->get_result()->fetch_column();
} catch (mysqli_sql_exception $e) {
    http_response_code(503);
    exit('The database does not answer: ' . htmlspecialchars($e->getMessage()) . "\n");
}

$host = htmlspecialchars(gethostname());
header('X-Visit: ' . $visit);
?>
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title><?= $host ?></title>
<h1><?= $host ?></h1>
<p><?= htmlspecialchars($greeting) ?>: this is visit <?= $visit ?>.</p>
<p>Linux <?= php_uname('r') ?>, Apache, MariaDB <?= $database->server_info ?>, PHP <?= PHP_VERSION ?></p>
</html>
