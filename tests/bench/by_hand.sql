-- The results as people move them by hand: raw COPY into a staging table, then INSERT ... SELECT with joins, random ids
-- and a map table. Run by psql, which is given the rows on its standard input and the tenant's id as a variable.
\set ON_ERROR_STOP on
SET work_mem = '256MB';
SET maintenance_work_mem = '256MB';

CREATE UNLOGGED TABLE hand.raw (
    id integer, student_id integer, section_id integer, recorder_id integer, test_due_date_id integer,
    date_test_taken timestamp, is_copied smallint, text_level integer, accuracy numeric(18,2),
    total_score numeric(18,2), words_per_minute integer, comments text, passed smallint
);
\copy hand.raw FROM pstdin (FORMAT csv)
ANALYZE hand.raw;

BEGIN;

INSERT INTO hand.map (tenant_id, entity, legacy_id, new_id)
    SELECT :'tenant', 'assessment.AssessmentFP', id, gen_random_uuid() FROM hand.raw;
ANALYZE hand.map;

CREATE TEMPORARY TABLE assignment AS
    SELECT gen_random_uuid() AS id, student_id, test_due_date_id FROM hand.raw GROUP BY student_id, test_due_date_id;
ANALYZE assignment;

INSERT INTO assessment.assessment_assignments (
    id, tenant_id, legacy_id, storage_table, derived, assessment_id, student_id, test_window_id, created_at,
    created_at_basis
)
    SELECT a.id, :'tenant', format('["AssessmentFP",%s,%s]', a.student_id, coalesce(a.test_due_date_id::text, 'null')),
        'AssessmentFP', true, d.id, s.new_id, w.new_id, :'as_of', 'as of the run'
    FROM assignment a
    JOIN assessment.assessments d ON d.tenant_id = :'tenant' AND d.storage_table = 'AssessmentFP'
    JOIN hand.map s ON s.tenant_id = :'tenant' AND s.entity = 'student.Student' AND s.legacy_id = a.student_id
    LEFT JOIN hand.map w
        ON w.tenant_id = :'tenant' AND w.entity = 'assessment.TestDueDate' AND w.legacy_id = a.test_due_date_id;

INSERT INTO assessment.assessment_results (
    id, tenant_id, legacy_id, storage_table, assessment_id, assignment_id, student_id, section_id, recorded_by,
    test_window_id, completed_date, is_copied, field_scores, total_score, created_at, created_at_basis
)
    SELECT m.new_id, :'tenant', format('[%s]', r.id), 'AssessmentFP', d.id, a.id, s.new_id, c.new_id, t.new_id, w.new_id,
        nullif(r.date_test_taken::date, '1900-01-01'), r.is_copied = 1,
        jsonb_build_object('TextLevel', r.text_level, 'Accuracy', r.accuracy, 'WordsPerMinute', r.words_per_minute,
            'Comments', r.comments, 'Passed', r.passed = 1),
        r.total_score, :'as_of', 'as of the run'
    FROM hand.raw r
    JOIN hand.map m ON m.tenant_id = :'tenant' AND m.entity = 'assessment.AssessmentFP' AND m.legacy_id = r.id
    JOIN assessment.assessments d ON d.tenant_id = :'tenant' AND d.storage_table = 'AssessmentFP'
    JOIN hand.map s ON s.tenant_id = :'tenant' AND s.entity = 'student.Student' AND s.legacy_id = r.student_id
    JOIN assignment a
        ON a.student_id = r.student_id AND coalesce(a.test_due_date_id, 0) = coalesce(r.test_due_date_id, 0)
    LEFT JOIN hand.map c ON c.tenant_id = :'tenant' AND c.entity = 'section.Section' AND c.legacy_id = r.section_id
    LEFT JOIN hand.map t ON t.tenant_id = :'tenant' AND t.entity = 'staff.Staff' AND t.legacy_id = r.recorder_id
    LEFT JOIN hand.map w
        ON w.tenant_id = :'tenant' AND w.entity = 'assessment.TestDueDate' AND w.legacy_id = r.test_due_date_id;

COMMIT;
