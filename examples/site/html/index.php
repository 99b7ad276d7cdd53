<?php
// A guest book: what visitors wrote is in MariaDB, which the guest starts before Apache.
// The web server is known to the database by its Unix user; no password is here.
$book = new mysqli('localhost', 'www-data', '', 'book');
$book->set_charset('utf8mb4');
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $entry = $book->prepare('INSERT INTO entries (text) VALUES (?)');
    $entry->execute([substr($_POST['text'] ?? '', 0, 200)]);
    header('Location: /', true, 303);
    exit;
}
$entries = $book->query('SELECT text FROM entries ORDER BY id DESC LIMIT 20');
?>
<!DOCTYPE html>
<meta charset="utf-8">
<title>Guest book</title>
<h1><?= htmlspecialchars(gethostname()) ?>'s guest book</h1>
<form method="post"><input name="text" maxlength="200"><button>Write</button></form>
<ul>
<?php foreach ($entries as $entry): ?>
<li><?= htmlspecialchars($entry['text']) ?></li>
<?php endforeach ?>
</ul>
